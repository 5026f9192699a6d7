"""Long point trajectories from dense optical flow (Sundaram, Brox and Keutzer, ECCV 2010).

Points start on a regular lattice. A point is tracked to the next frame while its flow is forward-backward consistent;
lattice cells without any tracked point get a new one in every frame.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from tasks.arrays import Points32
from tasks.sequence.flow_trajectory import sample_bilinear
from tasks.sequence.frame_pair_motion import FramePairMotion

STRIDE_PX = 4  # between points: objects below about three strides are not segmented
MIN_VALID_WEIGHT = 0.99  # bilinear share of valid pixels around a position
Trajectories = NDArray[np.float32]
"""(n, t, 2) x, y of each point in each frame; NaN where it is not tracked."""


def trace_trajectories(motions: Mapping[int, FramePairMotion], count: int, height: int, width: int) -> Trajectories:
    """The trajectories of `count` frames; all end where a frame has no motion to the next."""
    shape = max(1, height // STRIDE_PX), max(1, width // STRIDE_PX)
    at, number = np.zeros((0, 2), np.float32), np.zeros(0, np.int64)
    tracked: list[tuple[NDArray[np.int64], Points32]] = []
    total = 0
    for frame in range(count):
        new = _free_lattice_points(at, shape)
        at = np.concatenate([at, new])
        number = np.concatenate([number, np.arange(total, total + len(new))])
        total += len(new)
        tracked.append((number, at))
        at, number = _track_to_next(motions.get(frame), at, number)
    found = np.full((total, count, 2), np.nan, np.float32)
    for frame, (numbers, positions) in enumerate(tracked):
        found[numbers, frame] = positions
    return found


def _free_lattice_points(at: Points32, shape: tuple[int, int]) -> Points32:
    """(k, 2) centres of the lattice cells in which no point lies."""
    occupied = np.zeros(shape, np.bool_)
    column, row = np.clip(np.rint(at) // STRIDE_PX, 0, (shape[1] - 1, shape[0] - 1)).astype(np.intp).T
    occupied[row, column] = True
    rows, columns = np.nonzero(~occupied)
    return np.stack([columns, rows], axis=1).astype(np.float32) * STRIDE_PX + np.float32((STRIDE_PX - 1) / 2)


def _track_to_next(
    motion: FramePairMotion | None, at: Points32, number: NDArray[np.int64]
) -> tuple[Points32, NDArray[np.int64]]:
    """Positions in the next frame and numbers of the points that are still tracked there."""
    if motion is None or not len(at):
        return at[:0], number[:0]
    kept = sample_bilinear(motion.valid, at[None])[0] > MIN_VALID_WEIGHT
    return (at + sample_bilinear(motion.forward, at[None])[0])[kept], number[kept]
