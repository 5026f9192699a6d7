"""Repair of presentation timestamps, so that they increase strictly.

Times count from the first time stamp of the file, of any stream, as players count: a transport stream may begin at
1.4 s or at ten hours of its own clock. A frame keeps its time wherever it is later than that of the frame before.
Elsewhere the smallest repair is made and counted: a missing time is set one usual step later, a time that does not
increase is set right after the one before, and one that falls back by more than a second (files joined end to end)
offsets all times that follow.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from fractions import Fraction

from tasks.decode.frame_decoder import MAX_B_FRAMES, RESTART_S, DecodedPicture

MAX_SQUEEZED = 20  # consecutive repairs (a step that is halved as often is still 1e-6 of itself)
MAX_ROUNDING_TICKS = 1  # a constant frame rate rounded to ticks has spacings of two neighbouring lengths
NO_START = Fraction(0)


class MonotonicTimestamps:
    """Strictly increasing times of consecutive frames, with counts of repairs and the range of the frame spacing."""

    def __init__(self, time_base: Fraction, step_s: float, start: Fraction = NO_START) -> None:
        """`start`: the moment of the file's own clock that is time zero, seconds."""
        self.missing = 0
        self.squeezed = 0
        self.restarts = 0
        self.first_s = 0.0
        self.last_s: float | None = None
        self.pause: tuple[float, float] = (0.0, 0.0)
        """Start and end of the longest interval between undamaged neighbouring frames, seconds."""
        self._time_base = time_base
        self._step_s = step_s
        self._start = start
        self._offset_s = 0.0
        self._run = 0
        self._ticks: int | None = None
        self._narrowest: int | None = None
        self._widest: int | None = None

    @property
    def length_s(self) -> float:
        """Time from the first frame to the last, seconds."""
        return 0.0 if self.last_s is None else self.last_s - self.first_s

    @property
    def varies(self) -> bool:
        """Whether the spacing of undamaged neighbouring frames varies by more than rounding to ticks."""
        if self._narrowest is None or self._widest is None:
            return False
        return self._widest - self._narrowest > MAX_ROUNDING_TICKS

    def assign_time(self, picture: DecodedPicture) -> float:
        """Presentation time of the next frame in seconds, later than any before."""
        self.missing += picture.ticks is None and picture.status != "lost"
        before, time_s = self.last_s, self._repair_time(picture.ticks)
        if before is None:
            self.first_s = time_s
        good = picture.ticks if picture.status == "ok" and self._run == 0 else None
        if good is not None and self._ticks is not None and before is not None:
            self._record_spacing(good - self._ticks, before, time_s)
        self.last_s, self._ticks = time_s, good
        return time_s

    def _repair_time(self, ticks: int | None) -> float:
        if self.last_s is None:
            return 0.0 if ticks is None else float(ticks * self._time_base - self._start)
        next_s = self.last_s + self._step_s
        if ticks is None:
            return next_s
        time_s = float(ticks * self._time_base - self._start) + self._offset_s
        if time_s > self.last_s:
            self._run = 0
            return time_s
        if time_s <= self.last_s - RESTART_S:
            self.restarts += 1
            self._run, self._ticks = 0, None
            self._offset_s += next_s - time_s
            return next_s
        self.squeezed += 1
        self._run += 1
        return self.last_s + self._step_s * 0.5**self._run if self._run <= MAX_SQUEEZED else next_s

    def _record_spacing(self, ticks: int, before_s: float, now_s: float) -> None:
        self._narrowest = ticks if self._narrowest is None else min(self._narrowest, ticks)
        self._widest = ticks if self._widest is None else max(self._widest, ticks)
        if now_s - before_s > self.pause[1] - self.pause[0]:
            self.pause = before_s, now_s


def place_untimed_start(pictures: Iterable[DecodedPicture], step_ticks: float) -> Iterator[DecodedPicture]:
    """The pictures, those without a time before the first with one placed backwards from it, `step_ticks` apart.

    Matroska stores no times before zero, where the pictures lie that a cut left before its first whole one. Where none
    of the first MAX_B_FRAMES has a time, all stay as they are: the file stores none.
    """
    waiting: list[DecodedPicture] = []
    rest = iter(pictures)
    for picture in rest:
        if picture.ticks is not None:
            for back, early in zip(range(len(waiting), 0, -1), waiting, strict=True):
                yield replace(early, ticks=picture.ticks - round(back * step_ticks))
            yield picture
            break
        waiting.append(picture)
        if len(waiting) == MAX_B_FRAMES:
            yield from waiting
            break
    else:
        yield from waiting
    yield from rest
