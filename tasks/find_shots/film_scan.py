"""What a film's thumbnails tell, found in one pass of which some thousand frames are in memory at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.artifacts.shots import Transition
from tasks.find_shots.dissolves import DissolveWindow, count_frames_beside, find_windows
from tasks.find_shots.fades import measure_contrast
from tasks.find_shots.thumbnails import Stretch, Thumbnails, correlate

CHUNK = 1024  # frames at once, with which windows begin: 40 MB


@dataclass(frozen=True, eq=False)
class FilmScan:
    """A few numbers a frame, and what was found."""

    contrast: NDArray[np.float32]
    """(frames,) standard deviation over the cells of each thumbnail, grey levels."""
    windows: Sequence[DissolveWindow]
    """Those that are part of a dissolve."""
    cuts: Sequence[Transition]
    """The cuts, in order."""


def scan_film(
    thumbnails: Thumbnails, cut_frames: Sequence[int], error: NDArray[np.floating], lengths: Sequence[int]
) -> FilmScan:
    """Contrast of every frame, windows of `lengths` frames in a dissolve, and the cuts with their scores.

    `cut_frames` are the first frames behind the cuts, in order; `error` (frames - 1,) is the photometric error of dense
    flow, grey levels.
    """
    contrast = [np.zeros(0, np.float32)]
    windows: list[DissolveWindow] = []
    cuts: list[Transition] = []
    count, beside = len(thumbnails), max(1, count_frames_beside(lengths))
    for start in range(0, count, CHUNK):
        stop = min(start + CHUNK, count)
        stretch = Stretch.read(thumbnails, start - beside, stop + max(lengths, default=0) + beside)
        contrast.append(measure_contrast(stretch.thumbnails[start - stretch.first : stop - stretch.first]))
        for length in lengths:
            begin = np.arange(start, min(stop, count - length))
            if len(begin):
                windows += find_windows(stretch, begin, length, error, count)
        cuts += [_make_cut(stretch, frame) for frame in cut_frames if start <= frame < stop]
    return FilmScan(np.concatenate(contrast), windows, cuts)


def _make_cut(stretch: Stretch, frame: int) -> Transition:
    pair = stretch.take(np.array([frame - 1, frame]))
    score = float(np.clip(1 - correlate(pair[:1], pair[1:])[0], 0, 1))
    return Transition("cut", frame, frame - 1, frame, score)
