"""Long trajectories on a lattice: points followed along dense flow for as long as they are seen.

Sundaram, Brox and Keutzer (ECCV 2010): a point is followed to the next frame while its flow there and back agrees, and
where no point is left near by a new one begins.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from tasks.sequence.flow_trajectory import sample_bilinear
from tasks.sequence.sequence_view import FramePairMotion

STRIDE_PX = 4  # between points: what is smaller than about three of them is no thing of its own
TRUSTED = 0.99  # of the four pixels around a place, by their distance
Trajectories = NDArray[np.float32]
"""(n, t, 2) x, y of each point in each frame; NaN where it is not seen."""


def trace_trajectories(motions: Mapping[int, FramePairMotion], count: int, height: int, width: int) -> Trajectories:
    """The trajectories of `count` frames; all end where a frame has no motion to the next."""
    shape = max(1, height // STRIDE_PX), max(1, width // STRIDE_PX)
    at, number = np.zeros((0, 2), np.float32), np.zeros(0, np.int64)
    seen: list[tuple[NDArray[np.int64], NDArray[np.float32]]] = []
    total = 0
    for frame in range(count):
        begun = _uncovered(at, shape)
        at = np.concatenate([at, begun])
        number = np.concatenate([number, np.arange(total, total + len(begun))])
        total += len(begun)
        seen.append((number, at))
        at, number = _moved(motions.get(frame), at, number)
    found = np.full((total, count, 2), np.nan, np.float32)
    for frame, (numbers, places) in enumerate(seen):
        found[numbers, frame] = places
    return found


def _uncovered(at: NDArray[np.float32], shape: tuple[int, int]) -> NDArray[np.float32]:
    """(k, 2) middles of the lattice's cells in which no point lies."""
    taken = np.zeros(shape, np.bool_)
    column, row = np.clip(np.rint(at) // STRIDE_PX, 0, (shape[1] - 1, shape[0] - 1)).astype(np.intp).T
    taken[row, column] = True
    rows, columns = np.nonzero(~taken)
    return np.stack([columns, rows], axis=1).astype(np.float32) * STRIDE_PX + np.float32((STRIDE_PX - 1) / 2)


def _moved(
    motion: FramePairMotion | None, at: NDArray[np.float32], number: NDArray[np.int64]
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    if motion is None or not len(at):
        return at[:0], number[:0]
    kept = sample_bilinear(motion.valid, at[None])[0] > TRUSTED
    return (at + sample_bilinear(motion.forward, at[None])[0])[kept], number[kept]
