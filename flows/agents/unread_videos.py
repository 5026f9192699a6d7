"""Which raw videos the items of a batch do not read, so that they need not be sent to its agent."""

from __future__ import annotations

from collections.abc import Sequence

from flows.agents.cut_batches import BatchPart
from flows.engine.item_state import UP_TO_DATE
from flows.engine.outcome import Item
from flows.engine.plan import Plan
from tasks.artifacts.artifact import DATASET_ITEM


def find_unread_videos(plan: Plan, part: BatchPart) -> set[str]:
    """The videos of `part` all of whose items are computed from recorded artifacts, which agents fetch.

    The agent knows the MD5 of such a raw video by the recipes of what was computed of it.
    """
    return {name for name in part.videos if not _reads_raw(plan, [item for item in part.items if item.video == name])}


def _reads_raw(plan: Plan, items: Sequence[Item]) -> bool:
    """Whether one of the items of one video takes the raw video, or an agent must make something from it for them.

    Artifacts that are not kept are computed again on the agent, with all that they are made from.
    """
    todo, seen = [*items], set(items)
    while todo:
        item = todo.pop()
        if any(kind.is_raw for kind in plan.project.by_name[item.stage].inputs.values()):
            return True
        sources = {source for source in plan.find_sources(item) if source.video != DATASET_ITEM} - seen
        seen |= sources
        todo += [source for source in sources if not _can_fetch(plan, source)]
    return False


def _can_fetch(plan: Plan, item: Item) -> bool:
    """Whether the item's artifacts are recorded and kept."""
    return plan.states[item].status in UP_TO_DATE and plan.project.by_name[item.stage].keeps_artifacts
