"""One thing that moves by itself: its outline over time, and its affine motion from frame to frame."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.arrays import FlowField, Mask, Matrix
from tasks.geometry.warp import pixel_grid

SAMPLES = 600  # vectors that an affine motion is fitted to
LEAST_VECTORS = 12  # fewer say where a layer moves, not how it turns
REPROJECTION_PX = 1.0


@dataclass
class MotionLayer:
    """One thing over time."""

    masks: dict[int, Mask] = field(default_factory=dict[int, "Mask"])
    """Frame to what is seen of it there."""
    steps: dict[int, Matrix] = field(default_factory=dict[int, "Matrix"])
    """Frame to its motion to the next frame."""

    def way(self, start: int, end: int) -> Matrix:
        """Pixels of it on frame `start` to pixels on frame `end`; where it is not seen it moves on as it did."""
        found = np.eye(3)
        for frame in range(min(start, end), max(start, end)):
            nearest = min(self.steps, key=lambda known: abs(known - frame), default=None)
            if nearest is not None:
                found = self.steps[nearest] @ found
        return found if end >= start else np.linalg.inv(found).astype(np.float64)


def fit_affine_motion(flow: FlowField, mask: Mask) -> Matrix:
    """The affine motion that most of the (h, w, 2) `flow` under a mask agrees with."""
    rows, columns = np.nonzero(mask)
    some = slice(None, None, max(1, len(rows) // SAMPLES))
    start = np.stack([columns[some], rows[some]], axis=1).astype(np.float32)
    moved = flow[rows[some], columns[some]]
    found: Any = None
    if len(start) >= LEAST_VECTORS:
        found, _ = cv2.estimateAffine2D(
            start, start + moved, method=cv2.RANSAC, ransacReprojThreshold=REPROJECTION_PX
        )  # fmt: skip
    matrix = np.eye(3)
    if found is None:
        matrix[:2, 2] = np.median(moved, axis=0)
    else:
        matrix[:2] = found
    return matrix


@lru_cache(maxsize=4)
def homogeneous(height: int, width: int) -> NDArray[np.float64]:
    """(h, w, 3) x, y, 1 of every pixel."""
    return np.concatenate([pixel_grid(height, width).astype(np.float64), np.ones((height, width, 1))], axis=2)


def transform_pixel_grid(way: Matrix, height: int, width: int) -> FlowField:
    """(h, w, 2) where a (3, 3) motion takes every pixel."""
    at = homogeneous(height, width) @ way.T
    return (at[..., :2] / at[..., 2:]).astype(np.float32)


def warp_mask(mask: Mask, way: Matrix) -> Mask:
    """(h, w) a mask after an affine motion."""
    height, width = mask.shape
    return cv2.warpAffine(mask.astype(np.uint8), way[:2], (width, height)).astype(np.bool_)
