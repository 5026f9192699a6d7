"""A motion layer (Wang and Adelson, 1994): the support masks of one moving object over time, and its affine motions."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import cv2
import numpy as np

from tasks.arrays import Floats, FlowField, Mask, Matrix
from tasks.geometry.warp import pixel_grid

MAX_SAMPLES = 600  # flow vectors that an affine motion is fitted to
MIN_AFFINE_VECTORS = 12  # with fewer only a translation is fitted
REPROJECTION_PX = 1.0  # RANSAC inlier threshold


@dataclass
class MotionLayer:
    """One moving object over time."""

    masks: dict[int, Mask] = field(default_factory=dict[int, "Mask"])
    """Frame to its visible support there."""
    transforms: dict[int, Matrix] = field(default_factory=dict[int, "Matrix"])
    """Frame to its (3, 3) affine motion to the next frame."""

    def transform_between(self, start: int, end: int) -> Matrix:
        """(3, 3) affine motion from frame `start` to frame `end`; where it is not visible, the nearest motion holds."""
        found = np.eye(3)
        for frame in range(min(start, end), max(start, end)):
            nearest = min(self.transforms, key=lambda known: abs(known - frame), default=None)
            if nearest is not None:
                found = self.transforms[nearest] @ found
        return found if end >= start else np.linalg.inv(found).astype(np.float64)


def fit_affine_motion(flow: FlowField, mask: Mask) -> Matrix:
    """(3, 3) affine motion fitted by RANSAC to the (h, w, 2) `flow` under a mask; the median if there is no fit."""
    rows, columns = np.nonzero(mask)
    some = slice(None, None, max(1, len(rows) // MAX_SAMPLES))
    start = np.stack([columns[some], rows[some]], axis=1).astype(np.float32)
    vectors = flow[rows[some], columns[some]]
    found: Any = None
    if len(start) >= MIN_AFFINE_VECTORS:
        found, _ = cv2.estimateAffine2D(
            start, start + vectors, method=cv2.RANSAC, ransacReprojThreshold=REPROJECTION_PX
        )  # fmt: skip
    matrix = np.eye(3)
    if found is None:
        matrix[:2, 2] = np.median(vectors, axis=0)
    else:
        matrix[:2] = found
    return matrix


@lru_cache(maxsize=4)
def make_homogeneous_grid(height: int, width: int) -> Floats:
    """(h, w, 3) x, y, 1 of every pixel."""
    return np.concatenate([pixel_grid(height, width).astype(np.float64), np.ones((height, width, 1))], axis=2)


def transform_pixel_grid(matrix: Matrix, height: int, width: int) -> FlowField:
    """(h, w, 2) position of every pixel after a (3, 3) transform."""
    at = make_homogeneous_grid(height, width) @ matrix.T
    return (at[..., :2] / at[..., 2:]).astype(np.float32)


def warp_mask(mask: Mask, matrix: Matrix) -> Mask:
    """(h, w) a mask after an affine motion."""
    height, width = mask.shape
    return cv2.warpAffine(mask.astype(np.uint8), matrix[:2], (width, height)).astype(np.bool_)
