"""The clock of an MP4 and of the page that plays it: whole ticks at which frames begin, and how many make a second.

MP4 stores the duration of a frame in 31 bits, and the page reads times and their differences as 32-bit integers. At
MPEG's rate of ticks that is a pause of 3.3 hours or a film of 6.6 hours, so longer ones have a coarser clock.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

TICKS_PER_S = 90_000  # MPEG's clock: holds the usual rates exactly, and any time to 6 microseconds
MAX_TICKS = 2**31 - 1  # in a film
MAX_STEP_TICKS = 2**30 - 1  # from one frame to the next: the page stores the sign in one bit (packed_series.py)


@dataclass(frozen=True)
class FilmTicks:
    """Where each frame of a film begins."""

    per_s: int
    """Ticks per second."""
    edges: NDArray[np.int64]
    """(t + 1,) ticks at which each frame begins, and the end of the last one; each is later than the one before."""


def compute_film_ticks(edges_s: NDArray[np.float64]) -> FilmTicks:
    """The ticks of `edges_s`, seconds from the first frame's beginning to the last one's end.

    A film of more than a year has less than 70 ticks per second; frames that fall onto one tick follow one by one.
    Steps that do not fit at one tick per second (34 years: a clock that was set on the way) are shortened.
    """
    span_s, step_s = float(edges_s[-1] - edges_s[0]), float(np.diff(edges_s).max(initial=0))
    most = [
        TICKS_PER_S,
        *(limit / length for limit, length in ((MAX_TICKS, span_s), (MAX_STEP_TICKS, step_s)) if length),
    ]
    per_s = max(1, int(min(most)))
    ticks = np.rint(np.minimum(edges_s * per_s, 2.0**62)).astype(np.int64)
    if per_s < TICKS_PER_S:
        place = np.arange(len(ticks))
        ticks = np.maximum.accumulate(ticks - place) + place
        steps = np.minimum(np.diff(ticks, prepend=0), MAX_STEP_TICKS)
        ticks = np.minimum(np.cumsum(steps), MAX_TICKS - place[::-1])
    return FilmTicks(per_s, ticks)
