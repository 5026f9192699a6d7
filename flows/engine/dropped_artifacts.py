"""Artifacts that are not kept (`compute.recompute`): deleted when everything that reads them is up to date, and
computed again when a stale item reads them.

Frames and features are many times larger than what is made of them, and cheap to make again. Their recipes stay, with
the hashes of the bytes, so that what was computed from them stays up to date.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from flows.engine.atomic_files import remove_path
from flows.engine.item_state import NOT_KEPT, ONLY_IN_REMOTE, ItemState
from flows.engine.outcome import Item
from flows.engine.plan import Plan


def add_items_to_restore(plan: Plan, states: dict[Item, ItemState], pull: bool) -> dict[Item, ItemState]:
    """`states`, with items marked stale whose bytes are not here and which a stale item reads, directly or not.

    With `pull` all items that are only in the remote are marked.
    """
    if pull:
        for item in list(states):
            if plan.states[item].status == "remote":
                _mark(plan, states, item, ONLY_IN_REMOTE)
    _mark_sources(
        plan, states, [item for item, s in states.items() if s.status == "stale" and s.reason != ONLY_IN_REMOTE]
    )
    return states


def reads_dropped(plan: Plan, states: Mapping[Item, ItemState]) -> bool:
    """Whether a stale item of `states` reads artifacts that are not kept."""
    if all(declaration.keeps_artifacts for declaration in plan.project.declarations):
        return False
    stale = (item for item, state in states.items() if state.status == "stale")
    return any(plan.states[source].status == "dropped" for item in stale for source in plan.find_sources(item))


def mark_absent(plan: Plan, items: Iterable[Item]) -> dict[Item, ItemState]:
    """The states of those of `items` whose bytes are not here, and of what they are computed from, marked stale."""
    states: dict[Item, ItemState] = {}
    for item in items:
        status = plan.states[item].status
        if status in ("remote", "dropped"):
            _mark(plan, states, item, ONLY_IN_REMOTE if status == "remote" else NOT_KEPT)
    _mark_sources(plan, states, [item for item, state in states.items() if state.reason == NOT_KEPT])
    return states


def _mark_sources(plan: Plan, states: dict[Item, ItemState], readers: list[Item]) -> None:
    """Mark stale what `readers` read, directly or not, and is not here."""
    waiting = list(readers)
    while waiting:
        for source in plan.find_sources(waiting.pop()):
            status = plan.states[source].status
            if status == "remote":
                _mark(plan, states, source, ONLY_IN_REMOTE)
            elif status == "dropped":
                _mark(plan, states, source, NOT_KEPT)
                waiting.append(source)


def drop_read_artifacts(plan: Plan) -> list[Item]:
    """Delete the artifacts that are not kept and that no stale item reads; gives their items."""
    project = plan.project
    dropping = [declaration for declaration in project.declarations if not declaration.keeps_artifacts]
    if not dropping:
        return []
    needed = {
        source for item, state in plan.states.items() if state.status == "stale" for source in plan.find_sources(item)
    }
    dropped: list[Item] = []
    for declaration in dropping:
        for video in project.list_owners(declaration):
            item = Item(video, declaration.name)
            state = plan.states[item]
            if state.status == "fresh" and item not in needed:
                for kind in declaration.outputs:
                    remove_path(project.artifact_path(kind, video))
                plan.states[item] = state._replace(status="dropped")
                dropped.append(item)
    return dropped


def _mark(plan: Plan, states: dict[Item, ItemState], item: Item, reason: str) -> None:
    states[item] = plan.states[item] = plan.states[item]._replace(status="stale", reason=reason, outputs={})
