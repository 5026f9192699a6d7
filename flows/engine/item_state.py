"""The state of an item in a plan, and the reasons and outcomes that follow from it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

from flows.engine.outcome import Item, Outcome
from flows.engine.recipe import Outputs

NOT_UP_TO_DATE = " is not up to date; run `semflow run`"
ONLY_IN_REMOTE = "its bytes are in the DVC remote alone, and are wanted here"
"""Reason of an item that is fetched from the remote."""
NOT_KEPT = "its artifacts are not kept, and are read again"
"""Reason of an item that is computed again because a stale item reads it."""
ItemStatus = Literal["fresh", "remote", "dropped", "stale", "failed", "blocked"]
"""fresh: up to date. remote: up to date, but its bytes are only in the DVC remote. dropped: up to date, but its bytes
are not kept (`compute.recompute`). stale: to be computed. failed: a fault of its input is recorded. blocked: an input
failed or is not on this machine."""
UP_TO_DATE: tuple[ItemStatus, ...] = ("fresh", "remote", "dropped")


EMPTY: Mapping[str, Any] = MappingProxyType({})


class ItemState(NamedTuple):
    """The state of one item."""

    item: Item
    status: ItemStatus
    reason: str = ""
    """Why it is stale, what failed, or what blocks it; "" where fresh."""
    key: str = ""
    """The key it has, or would get now; "" while an input is not fresh."""
    method: str = ""
    """Digest of the method in that key."""
    inputs: Mapping[str, str] = EMPTY
    """Argument name to content hash, in that key."""
    outputs: Outputs = EMPTY
    """Its recorded outputs; {} unless up to date."""
    recorded: bool = True
    """For failed and blocked items: whether the fault is recorded in a recipe."""


def make_outcome(state: ItemState) -> Outcome:
    """The outcome of an item that is not computed: reused, remote, failed or blocked."""
    item = state.item
    if state.status in ("fresh", "dropped"):
        return Outcome(item.video, item.stage, "reused")
    if state.status == "remote":
        return Outcome(item.video, item.stage, "remote")
    result = "failed" if state.status == "failed" else "blocked"
    return Outcome(item.video, item.stage, result, error=state.reason, recorded=state.recorded)


def list_stale(states: Mapping[Item, ItemState]) -> list[Item]:
    """The items that a run would compute."""
    return [item for item, state in states.items() if state.status == "stale"]


def count_statuses(states: Iterable[ItemState]) -> dict[str, int]:
    """The number of items by status."""
    counts: dict[str, int] = dict.fromkeys((*UP_TO_DATE, "stale", "failed", "blocked"), 0)
    for state in states:
        counts[state.status] += 1
    return counts
