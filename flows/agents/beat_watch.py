"""How long a heartbeat has been silent, counted only while its watcher could hear.

Where the store does not answer, watcher and holder are cut off alike, and the holder may live: such time does not
count, or an outage longer than the lease would void the claims of everybody.
"""

from __future__ import annotations

from dataclasses import dataclass

MAX_GAP_SHARE = 0.25
"""Share of the lease that counts at most between two looks."""


@dataclass
class BeatWatch:
    """Watches one heartbeat."""

    lease_s: float
    is_silent: bool = False
    """Whether the beat has not changed for the lease."""
    has_changed: bool = False
    """Whether it has ever changed since the first look."""
    _beat: bytes | None = None
    _silent_s: float = 0.0
    _looked: float | None = None

    def look(self, beat: bytes | None, now: float) -> None:
        """Note what the beat is at the time `now`, in seconds by any clock."""
        if self._looked is None or beat != self._beat:
            self.has_changed = self._looked is not None
            self._beat, self._silent_s = beat, 0.0
        else:
            self._silent_s += min(now - self._looked, MAX_GAP_SHARE * self.lease_s)
        self._looked = now
        self.is_silent = self._silent_s >= self.lease_s
