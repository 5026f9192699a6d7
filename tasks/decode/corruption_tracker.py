"""Error propagation between frames: frames from an error to the next clean key frame may be corrupt.

Inter-coded frames are predicted from earlier ones, so an error persists until a key frame (intra-coded). Numbers are
positions in decode order. Frames that follow a key frame in decode order but are shown before it (leading pictures of
an open GOP) may refer to frames before it; the decoder returns them before the key frame, so they still count as
corrupt. Nothing that is shown after a key frame refers to them (ITU-T H.265, 3.1: trailing pictures; H.264, D.2.8:
recovery point), so an error in a leading picture stays among those of its key frame.
"""

from __future__ import annotations

from bisect import bisect_left


class CorruptionTracker:
    """Packets with errors since the last clean key frame."""

    def __init__(self) -> None:
        self._errors: list[int] = []
        self._leading: dict[int, int] = {}
        """Number of a key frame to that of the first error among its leading pictures."""

    def mark_error(self, number: int, leads: int | None = None) -> None:
        """Record an error in packet `number`; `leads`: the key frame whose leading picture it is, None for others."""
        if leads is not None:
            self._leading[leads] = min(number, self._leading.get(leads, number))
            return
        place = bisect_left(self._errors, number)
        if self._errors[place : place + 1] != [number]:
            self._errors.insert(place, number)

    def is_suspect(self, number: int, leads: int | None = None) -> bool:
        """Whether frame `number` may show the effect of an error; `leads` as in `mark_error`."""
        if leads is not None and self._leading.get(leads, number + 1) <= number:
            return True
        return bool(self._errors) and self._errors[0] <= number

    def clear_before(self, number: int) -> None:
        """Forget errors before key frame `number`, which was decoded."""
        del self._errors[: bisect_left(self._errors, number)]
        self._leading = {key: first for key, first in self._leading.items() if key >= number}
