"""Fades: the picture loses its contrast into one colour, black or white mostly, and another comes out of it.

A frame of one colour has nearly no standard deviation (Lienhart, "Comparison of automatic shot boundary detection
algorithms", 1999). A run of such frames between two pictures is one boundary, and not two cuts. Where the pictures on
both sides are the same and the run comes at once and is short, it is a flash or a lost picture, and no boundary.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.artifacts.shots import Transition
from tasks.find_shots.thumbnails import Thumbnails, correlate

MAX_CONTRAST = 8.0  # grey levels, standard deviation over a frame of one colour; pictures have 30 to 70
MIN_OUTER_CONTRAST = 20.0  # of the pictures on both sides: a night scene is no fade
MAX_FADE_S = 1.5  # from the picture to one colour
MIN_GRADUAL = 2  # frames between picture and one colour that make a fade of what else is a cut
FULL_SHARE = 0.9  # of the picture's contrast, from which on it is whole
HALF_SHARE = 0.6  # of it that the frame beside the run has at most, or the change is sudden
MAX_FLASH_S = 0.3
SAME_SCENE = 0.4  # correlation of the pictures on both sides of a flash


@dataclass(frozen=True)
class UniformRun:
    """Frames of one colour, with the frames before and after that lead into and out of it."""

    start: int
    stop: int
    first: int
    last: int
    transition: Transition | None
    """None where it is no boundary: at the ends of the film, and for flashes."""

    def covers(self, frame: int) -> bool:
        """Whether the boundary before `frame` belongs to it."""
        return self.first <= frame <= self.last + 1


def find_fades(thumbnails: Thumbnails, contrast: NDArray[np.float32], fps: float) -> list[UniformRun]:
    """Runs of frames of one colour between pictures, or between a picture and an end of the film.

    `contrast` (frames,) is what measure_contrast gives of the thumbnails of all frames.
    """
    uniform = np.concatenate([[False], contrast <= MAX_CONTRAST, [False]])
    edges = np.flatnonzero(np.diff(uniform.astype(np.int8)))
    runs = (
        _examine_run(thumbnails, contrast, int(a), int(b), fps) for a, b in zip(edges[::2], edges[1::2], strict=True)
    )
    return [run for run in runs if run is not None]


def measure_contrast(thumbnails: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(frames,) standard deviation of each (d,) thumbnail over its cells, mean of the colours, grey levels."""
    return thumbnails.reshape(-1, thumbnails.shape[1] // 3, 3).std(axis=1, dtype=np.float32).mean(1)


def _examine_run(
    thumbnails: Thumbnails, contrast: NDArray[np.float32], start: int, stop: int, fps: float
) -> UniformRun | None:
    reach = max(1, round(MAX_FADE_S * fps))
    before, after = contrast[max(0, start - reach) : start][::-1], contrast[stop : stop + reach]
    leads = [_count_gradual(side) for side in (before, after)]
    first, last = start - leads[0], stop - 1 + leads[1]
    if any(len(side) and side.max() < MIN_OUTER_CONTRAST for side in (before, after)):
        return None
    if not (len(before) and len(after)):
        return UniformRun(start, stop, first, last, None)
    gradual = max(leads) >= MIN_GRADUAL
    ends = (first - 1 if first else 0, min(last + 1, len(contrast) - 1))
    pair = np.concatenate([thumbnails[frame : frame + 1] for frame in ends]).astype(np.float32)
    if not gradual and stop - start <= MAX_FLASH_S * fps and correlate(pair[:1], pair[1:])[0] > SAME_SCENE:
        return UniformRun(start, stop, first, last, None)
    outer = min(float(before.max()), float(after.max()))
    score = min(1.0, max(0.0, 1 - float(contrast[start:stop].min()) / outer))
    kind = "fade" if gradual else "cut"
    return UniformRun(start, stop, first, last, Transition(kind, (start + stop) // 2, first, last, score))


def _count_gradual(contrast: NDArray[np.float32]) -> int:
    """Frames, outwards from the run, over which the contrast rises to nearly that of the whole picture."""
    if not len(contrast):
        return 0
    rising = contrast[: int(np.argmax(np.append(np.diff(contrast) <= 0, True))) + 1]
    sudden = rising[0] > HALF_SHARE * rising.max()
    return 0 if sudden else int((rising < FULL_SHARE * rising.max()).sum())
