"""Error propagation between frames: frames from an error to the next clean key frame may be corrupt.

Inter-coded frames are predicted from earlier ones, so an error persists until a key frame (intra-coded). Numbers are
positions in decode order. Frames that follow a key frame in decode order but are shown before it (open GOP) may refer
to frames before it; the decoder returns them before the key frame, so they still count as corrupt.
"""

from __future__ import annotations

from bisect import bisect_left


class CorruptionTracker:
    """Packets with errors since the last clean key frame."""

    def __init__(self) -> None:
        self._errors: list[int] = []

    def mark_error(self, number: int) -> None:
        """Record an error in packet `number`."""
        place = bisect_left(self._errors, number)
        if self._errors[place : place + 1] != [number]:
            self._errors.insert(place, number)

    def is_suspect(self, number: int) -> bool:
        """Whether frame `number` may show the effect of an error."""
        return bool(self._errors) and self._errors[0] <= number

    def clear_before(self, number: int) -> None:
        """Forget errors before key frame `number`, which was decoded."""
        del self._errors[: bisect_left(self._errors, number)]
