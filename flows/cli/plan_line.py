"""An item of a plan, as the terminal shows it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from flows.engine.outcome import Item

ItemStatus = Literal["fresh", "dropped", "stale", "remote", "failed", "blocked"]


@dataclass(frozen=True)
class PlanLine:
    """An item of a plan."""

    item: Item
    status: ItemStatus
    reason: str
    """Why it is stale, what failed, or what blocks it; "" where fresh."""
    expected_s: float | None
    """Expected seconds, for a stale item with an estimate."""
    bytes: int
    """Size of its artifacts."""
    film_s: float = 0.0
    """Length of its film, seconds; 0 where unknown and for items over the dataset."""
