"""Cut the stale items into batches: by video, so that frames and flow stay on one machine, and by expected seconds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from flows.agents.device_classes import has_kinds, list_kinds
from flows.engine.item_state import ItemState
from flows.engine.outcome import Item
from flows.engine.plan import Plan
from flows.engine.timings import DurationEstimates
from tasks.artifacts.artifact import DATASET_ITEM

UNKNOWN_S = 10.0
"""Expected seconds of an item whose stage never ran."""


@dataclass(frozen=True)
class BatchSizes:
    """How large batches are."""

    min_s: float = 300.0
    """Starting a batch costs 10 to 15 s of an agent's time (process, imports, polling): below 5 % of this."""
    max_s: float = 1800.0
    """What the death of an agent costs at most, beside results that it had handed in."""
    per_agent: int = 4
    """Batches for each agent, so that all of them end at about the same time."""
    max_videos: int = 500


@dataclass(frozen=True)
class BatchPart:
    """The videos and items of one batch."""

    items: tuple[Item, ...]
    needs: str
    expected_s: float

    @property
    def videos(self) -> tuple[str, ...]:
        """The videos, in order."""
        return tuple(dict.fromkeys(item.video for item in self.items))


def find_dataset_items(plan: Plan, items: Iterable[Item]) -> dict[Item, ItemState]:
    """Those of `items` over the data set whose inputs are all there, with their states as they are now."""
    by_name = plan.project.by_name
    ready = [
        item
        for item in items
        if by_name[item.stage].over_dataset
        and plan.states[item].status == "stale"
        and all(plan.states[source].status != "stale" for source in plan.find_sources(item))
    ]
    return {item: plan.examine_item(by_name[item.stage], item.video) for item in ready}


def find_placeable(plan: Plan, states: Mapping[Item, ItemState]) -> dict[str, list[Item]]:
    """Video to those of its stale items that need no item over the data set which is not up to date.

    A video whose file is neither on this machine nor recorded is left out, as are items that wait for such ones.
    """
    found: dict[str, list[Item]] = {}
    placeable: set[Item] = set()
    for item, state in sorted(states.items(), key=lambda entry: _place(plan, entry[0])):
        if state.status != "stale" or item.video == DATASET_ITEM or plan.project.by_name[item.stage].over_dataset:
            continue
        sources = plan.find_sources(item)
        if all(
            source in placeable or plan.states[source].status in ("fresh", "remote", "dropped") for source in sources
        ):
            placeable.add(item)
            found.setdefault(item.video, []).append(item)
    return found


def cut_batches(
    plan: Plan,
    by_video: Mapping[str, Sequence[Item]],
    timings: DurationEstimates,
    agents: Mapping[str, int],
    sizes: BatchSizes,
) -> list[BatchPart]:
    """Batches over all items of `by_video`; those with the longest videos first, as they would end last.

    A batch needs `gpu` where an item of it uses an accelerator and there is an agent that has one; but what it computes
    again, because it is not kept, needs the kind of device that made it.
    """
    chains = [_measure(plan, items, timings, agents) for items in by_video.values()]
    batches: list[BatchPart] = []
    for needs in sorted({chain.needs for chain in chains}):
        mine = sorted((chain for chain in chains if chain.needs == needs), key=lambda chain: -chain.expected_s)
        total = sum(chain.expected_s for chain in mine)
        wanted = min(max(total / (sizes.per_agent * max(1, agents.get(needs, 1))), sizes.min_s), sizes.max_s)
        batches += _fill(mine, needs, wanted, sizes.max_videos)
    return batches


def _measure(plan: Plan, items: Sequence[Item], timings: DurationEstimates, agents: Mapping[str, int]) -> BatchPart:
    expected = sum(timings.estimate_item(item) or UNKNOWN_S for item in items)
    wants_gpu = any(plan.project.by_name[item.stage].differs_on_cuda for item in items)
    wants_gpu = wants_gpu and plan.project.compute["device"] != "cpu" and bool(agents.get("gpu"))
    kinds = list_kinds(plan, items)
    if kinds and has_kinds(kinds, agents):
        return BatchPart(tuple(items), kinds.pop(), expected)
    return BatchPart(tuple(items), "gpu" if wants_gpu or not agents.get("cpu") else "cpu", expected)


def _fill(chains: Sequence[BatchPart], needs: str, wanted_s: float, max_videos: int) -> list[BatchPart]:
    batches: list[BatchPart] = []
    items: list[Item] = []
    seconds, videos = 0.0, 0
    for chain in chains:
        if items and (seconds + chain.expected_s > wanted_s or videos >= max_videos):
            batches.append(BatchPart(tuple(items), needs, seconds))
            items, seconds, videos = [], 0.0, 0
        items += chain.items
        seconds += chain.expected_s
        videos += 1
    return [*batches, BatchPart(tuple(items), needs, seconds)] if items else batches


def _place(plan: Plan, item: Item) -> int:
    return [declaration.name for declaration in plan.project.declarations].index(item.stage)
