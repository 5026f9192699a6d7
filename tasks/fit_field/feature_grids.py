"""Feature grids of frames whose features are not stored: those of the nearest stored frame, moved by optical flow.

Features are stored for some frames of each group only (tasks/artifacts/features.py), but users may label any frame.
Over the one or two frames to the nearest stored one the flow is accurate to a fraction of a cell.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tasks.arrays import Mask, Points32
from tasks.artifacts.dense_flow import DenseFlow
from tasks.artifacts.features import Features
from tasks.geometry.advection import advect_points

MAX_DISTANCE = 32
"""Frames to the stored frame whose features are taken at most."""


def read_feature_grid(
    features: Features, dense_flow: DenseFlow, shot_of_frames: NDArray[np.intp], frame: int
) -> NDArray[np.float32] | None:
    """(h, w, d) unit vectors of a frame, zeros where flow leads to no stored vector; None where there are none at all.

    Not stored frames take the vectors of the nearest stored frame of the same shot that is undamaged;
    `shot_of_frames` (frames,) are numbers of shots.
    """
    if features.is_stored(frame):
        return features.vectors(frame)
    distances = np.abs(features.frames - frame)
    for row in np.argsort(distances, kind="stable").tolist():
        if distances[row] > MAX_DISTANCE:
            break
        stored = int(features.frames[row])
        if shot_of_frames[frame] != shot_of_frames[stored]:
            continue
        vectors = features.vectors(stored)
        if vectors is not None:
            grid = features.metadata.grid
            points = _advect_to(dense_flow, grid.cell_centres(), frame, stored)
            return _sample_vectors(vectors, grid.to_cells(points))
    return None


def _advect_to(dense_flow: DenseFlow, points: Points32, start: int, end: int) -> Points32:
    """(h, w, 2) positions in frame `end` of `points` of frame `start`; NaN where flow is not valid on the way."""
    for i in range(start, end):
        points = advect_points(points, dense_flow.forward(i), dense_flow.valid(i))
    for i in range(start - 1, end - 1, -1):
        points = advect_points(points, dense_flow.backward(i), dense_flow.valid_backward(i))
    return points


def _sample_vectors(vectors: NDArray[np.float32], at: Points32) -> NDArray[np.float32]:
    """(h, w, d) bilinear values of the (h, w, d) `vectors` at columns and rows; zeros where NaN or beyond the border
    cells by more than half a cell."""
    rows, columns = vectors.shape[:2]
    known: Mask = np.asarray(np.isfinite(at).all(axis=2))
    x, y = np.moveaxis(np.where(known[..., None], at, 0), -1, 0)
    known = known & (x >= -0.5) & (x <= columns - 0.5) & (y >= -0.5) & (y <= rows - 0.5)  # noqa: PLR2004  half a cell
    x, y = np.clip(x, 0, columns - 1), np.clip(y, 0, rows - 1)
    left, top = np.minimum(x.astype(int), max(columns - 2, 0)), np.minimum(y.astype(int), max(rows - 2, 0))
    right, bottom = np.minimum(left + 1, columns - 1), np.minimum(top + 1, rows - 1)
    across, down = (x - left)[..., None], (y - top)[..., None]
    above = vectors[top, left] * (1 - across) + vectors[top, right] * across
    below = vectors[bottom, left] * (1 - across) + vectors[bottom, right] * across
    return ((above * (1 - down) + below * down) * known[..., None]).astype(np.float32)
