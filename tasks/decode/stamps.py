"""Which of a picture's two timestamps to believe.

FFmpeg's own rule (libavcodec, `guess_correct_pts`): the presentation times, unless they have gone backwards more often
than the decode times. That happens where the container has none (H.264 in AVI) and they were filled in.
"""

from __future__ import annotations


class Stamps:
    """Counts the faults of both kinds."""

    def __init__(self) -> None:
        self._last_pts: int | None = None
        self._last_dts: int | None = None
        self._faulty_pts = 0
        self._faulty_dts = 0

    def choose(self, pts: int | None, dts: int | None) -> int | None:
        """The better one for the next picture; None where there is none to believe."""
        if dts is not None:
            self._faulty_dts += self._last_dts is not None and dts <= self._last_dts
            self._last_dts = dts
        if pts is not None:
            self._faulty_pts += self._last_pts is not None and pts <= self._last_pts
            self._last_pts = pts
        return pts if pts is not None and self._faulty_pts <= self._faulty_dts else dts
