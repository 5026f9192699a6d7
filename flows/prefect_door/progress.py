"""How far a run is: percent and a line, for the progress artifact of its flow run."""

from __future__ import annotations

import time
from uuid import UUID

PROGRESS_S = 3.0
"""Seconds between two updates."""
NEVER = float("-inf")


class Progress:
    """How far the run is: by the seconds that its items were expected to take, by their number where unknown."""

    def __init__(self, began: float, expected_s: dict[tuple[str, str], float | None]) -> None:
        known = [seconds for seconds in expected_s.values() if seconds is not None]
        usual = sum(known) / len(known) if known else 1.0
        self._weights = {item: usual if seconds is None else seconds for item, seconds in expected_s.items()}
        self._total = sum(self._weights.values()) or 1.0
        self._items = len(self._weights)
        self._done = 0
        self._done_weight = 0.0
        self._began = began
        self.artifact: UUID | None = None
        self.shown_at = NEVER

    def count(self, item: tuple[str, str]) -> None:
        """One more is settled."""
        weight = self._weights.pop(item, None)
        if weight is not None:
            self._done += 1
            self._done_weight += weight

    def due(self) -> bool:
        """Whether it is time to show it again."""
        if time.monotonic() - self.shown_at < PROGRESS_S:
            return False
        self.shown_at = time.monotonic()
        return True

    def tell(self) -> tuple[float, str]:
        """Percent, and a line."""
        share = min(1.0, self._done_weight / self._total) if self._done < self._items else 1.0
        took = time.time() - self._began
        words = f"{self._done} of {self._items} items"
        if self._done and took > 0:
            words += f", {self._done / took:.2g} items/s"
        if 0 < share < 1:
            words += f", about {took / share - took:.0f} s left"
        return round(100 * share, 1), words
