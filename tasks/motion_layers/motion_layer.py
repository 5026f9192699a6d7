"""A motion layer (Wang and Adelson, 1994): the support masks of one moving object over time, and its affine motions."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import cv2
import numpy as np

from tasks.arrays import Floats, FlowField, Mask, Matrix, Points32
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
        known = np.array([*self.transforms])
        for frame in range(min(start, end), max(start, end)):
            if frame in self.transforms:
                found = self.transforms[frame] @ found
            elif len(known):
                found = self.transforms[int(known[np.abs(known - frame).argmin()])] @ found
        return found if end >= start else np.linalg.inv(found).astype(np.float64)


def sample_flow(flow: FlowField, mask: Mask) -> tuple[Points32, Points32]:
    """(n, 2) positions of some pixels under a mask, evenly spread, and the (n, 2) flow there."""
    pixels = np.flatnonzero(mask)
    rows, columns = np.divmod(pixels[:: max(1, len(pixels) // MAX_SAMPLES)], mask.shape[1])
    return np.stack([columns, rows], axis=1).astype(np.float32), flow[rows, columns]


def fit_affine_motion(flow: FlowField, mask: Mask) -> Matrix:
    """(3, 3) affine motion fitted by RANSAC to the (h, w, 2) `flow` under a mask; the median if there is no fit."""
    start, vectors = sample_flow(flow, mask)
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
