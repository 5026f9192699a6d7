"""The working rate: of all frames, those nearest to the beats of a clock that starts with the first one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from math import floor
from typing import Protocol, TypeVar

TIE_TOLERANCE_S = 1e-9  # distances this close are equal: times are rounded binary fractions
ROUNDING_BEATS = 1e-6  # a frame this close before a beat is on it, for the same reason


class HasTime(Protocol):
    """Anything with a time."""

    @property
    def pts_s(self) -> float: ...


T = TypeVar("T", bound=HasTime)


def resample_fps(frames: Iterable[T], fps: float) -> Iterator[T]:
    """The frames nearest to the times `start + k / fps`, each once, in order; every frame where there are fewer.

    `frames` come in order of time. A beat half-way between two frames takes the earlier one.
    """
    start_s = 0.0
    before: T | None = None
    before_kept = False
    beat = 0  # the next one to serve
    for frame in frames:
        if before is None:
            start_s = frame.pts_s
        last_beat = floor((frame.pts_s - start_s) * fps + ROUNDING_BEATS)
        kept = False
        if last_beat >= beat:
            # Beats from `beat` to `last_beat` lie between the two frames: the first may be nearer to the one before.
            if before is not None and not before_kept and _nearer(before, frame, start_s + beat / fps):
                yield before
            kept = before is None or not _nearer(before, frame, start_s + last_beat / fps)
            if kept:
                yield frame
            beat = last_beat + 1
        before, before_kept = frame, kept


def _nearer(before: HasTime, frame: HasTime, time_s: float) -> bool:
    return time_s - before.pts_s <= frame.pts_s - time_s + TIE_TOLERANCE_S
