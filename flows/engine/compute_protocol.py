"""The interface of what computes the stale items of a run: worker processes here (run.py), or agents (flows/agents)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from flows.engine.interrupt import SignalState
from flows.engine.outcome import Item, Observer, Outcome
from flows.engine.plan import ItemState, Plan


class ComputeItems(Protocol):
    """Computes the stale items of a run and fills `outcomes`, also when interrupted; gives their expected seconds."""

    def __call__(
        self,
        plan: Plan,
        states: dict[Item, ItemState],
        outcomes: dict[Item, Outcome],
        *,
        observers: Sequence[Observer],
        signals: SignalState,
        stopped: Callable[[], bool],
    ) -> float | None:
        """See the class."""
        ...
