"""Temporal subsampling to a working frame rate: frames nearest to the ticks of a clock that starts with the first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from math import floor
from typing import Protocol, TypeVar

TIE_TOLERANCE_S = 1e-9  # distances that differ by less are equal: times are rounded binary fractions
ROUNDING_TICKS = 1e-6  # a frame this close before a clock tick is on it, for the same reason


class HasTime(Protocol):
    """Anything with a presentation time in seconds."""

    @property
    def pts_s(self) -> float: ...


T = TypeVar("T", bound=HasTime)


def resample_fps(frames: Iterable[T], fps: float) -> Iterator[T]:
    """The frames nearest to the times `start + k / fps`, each once, in order; every frame where there are fewer.

    `frames` are in order of time. A clock tick half-way between two frames takes the earlier one.
    """
    start_s = 0.0
    before: T | None = None
    before_kept = False
    tick = 0  # the next clock tick
    for frame in frames:
        if before is None:
            start_s = frame.pts_s
        last_tick = floor((frame.pts_s - start_s) * fps + ROUNDING_TICKS)
        kept = False
        if last_tick >= tick:
            # Ticks `tick` to `last_tick` lie between the two frames: the first may be nearer to the earlier frame.
            if before is not None and not before_kept and _is_nearer(before, frame, start_s + tick / fps):
                yield before
            kept = before is None or not _is_nearer(before, frame, start_s + last_tick / fps)
            if kept:
                yield frame
            tick = last_tick + 1
        before, before_kept = frame, kept


def _is_nearer(before: HasTime, frame: HasTime, time_s: float) -> bool:
    return time_s - before.pts_s <= frame.pts_s - time_s + TIE_TOLERANCE_S
