"""Progress of a run in percent and as a line of text, for the progress artifact of its flow run."""

from __future__ import annotations

import time
from uuid import UUID

UPDATE_INTERVAL_S = 3.0
"""Seconds between two updates."""
NEVER = float("-inf")


class FlowRunProgress:
    """Progress of the run by the expected seconds of its items; items without estimate count as the mean."""

    def __init__(self, began: float) -> None:
        """`began` in seconds since the epoch."""
        self._expected_s: dict[tuple[str, str], float | None] = {}
        self._done: set[tuple[str, str]] = set()
        self._began = began
        self.artifact: UUID | None = None
        self.shown_at = NEVER

    def add_expected(self, expected_s: dict[tuple[str, str], float | None]) -> None:
        """Add items of the plan, with the expected seconds of each where known."""
        self._expected_s |= expected_s

    def count_done(self, item: tuple[str, str]) -> None:
        """Count an item as done."""
        if item in self._expected_s:
            self._done.add(item)

    def is_due(self) -> bool:
        """Whether an update is due; if so, the next one is due UPDATE_INTERVAL_S later."""
        if time.monotonic() - self.shown_at < UPDATE_INTERVAL_S:
            return False
        self.shown_at = time.monotonic()
        return True

    def summarize(self) -> tuple[float, str]:
        """Percent done, and a line of text."""
        share = self._share()
        done, took = len(self._done), time.time() - self._began
        words = f"{done} of {len(self._expected_s)} items"
        if done and took > 0:
            words += f", {done / took:.2g} items/s"
        if 0 < share < 1:
            words += f", about {took / share - took:.0f} s left"
        return round(100 * share, 1), words

    def _share(self) -> float:
        """Share (0 to 1) of the expected seconds that is done; an item without estimate counts as the others' mean."""
        known = [seconds for seconds in self._expected_s.values() if seconds is not None]
        usual = sum(known) / len(known) if any(known) else 1.0
        weights = {item: usual if seconds is None else seconds for item, seconds in self._expected_s.items()}
        if len(self._done) == len(weights):
            return 1.0
        return sum(weights[item] for item in self._done) / (sum(weights.values()) or 1.0)
