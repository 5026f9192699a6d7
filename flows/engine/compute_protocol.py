"""The interface of what computes the stale items of a run: worker processes here (compute_items.py), or agents
(flows/agents)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from flows.engine.interrupt import SignalState
from flows.engine.item_state import ItemState
from flows.engine.outcome import Item, Observer, Outcome
from flows.engine.plan import Plan


@dataclass(frozen=True)
class ItemsToCompute:
    """The stale items of a run, and what the run knows and wants to be told while they are computed."""

    plan: Plan
    states: dict[Item, ItemState]
    """The state of every item of the run; the stale ones are computed."""
    outcomes: dict[Item, Outcome]
    """Filled with the outcome of each item as it ends."""
    observers: Sequence[Observer]
    signals: SignalState
    stopped: Callable[[], bool]
    """Whether the run shall end."""


class ComputeItems(Protocol):
    """Computes the stale items of a run and fills `outcomes`, also when interrupted; gives their expected seconds."""

    def __call__(self, work: ItemsToCompute) -> float | None:
        """See the class."""
        ...
