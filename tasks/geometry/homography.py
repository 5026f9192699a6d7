"""Camera motion between two frames: the homography that fits most of a dense flow.

RANSAC (Fischler and Bolles, 1981) on a regular sample of the valid vectors, refined on its inliers (OpenCV's
findHomography, whose random numbers are the same in every run). A homography is exact for a camera that rotates or
zooms and for a planar scene; with parallax it follows what fills most of the frame. Independent motion is an outlier as
long as it covers less than half of the frame; otherwise pass boxes to exclude.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from tasks.arrays import FlowField, Points32
from tasks.geometry.warp import pixel_grid

REPROJECTION_PX = 1.0  # inliers fit to a pixel: about four times DIS's mean error on Middlebury
CONFIDENCE = 0.999
MAX_ITERATIONS = 2000  # OpenCV's default, enough for half of the vectors being wrong (log(.001) / log(1 - .5^4) = 107)
MAX_SAMPLES = 2000  # vectors sampled: more cost time without a measurable change
MIN_SAMPLES = 30  # with fewer valid vectors the camera counts as static


@dataclass(frozen=True)
class CameraMotion:
    """Camera motion between two frames."""

    homography: NDArray[np.float64]
    """(3, 3) pixels of the first frame to pixels of the second, last entry 1."""
    inliers: float
    """Share of the sampled vectors that fit it, 0..1; 0 where they were too few and it is the identity."""


WHOLE = (slice(None), slice(None))
"""Rows and columns of a whole picture."""
STATIC_CAMERA = CameraMotion(np.eye(3), 0.0)


def estimate_camera_motion(
    flow: FlowField, valid: NDArray[np.bool_], exclude_boxes: ArrayLike | None = None
) -> CameraMotion:
    """Homography of the first frame onto the second, from `flow` where `valid`, outside `exclude_boxes`.

    `exclude_boxes` is (n, 4) xyxy in pixels: people, cars, anything that moves independently.
    """
    height, width = valid.shape
    step = max(1, round(np.sqrt(height * width / MAX_SAMPLES)))
    rows, columns = slice(step // 2, None, step), slice(step // 2, None, step)
    at = pixel_grid(height, width)[rows, columns].reshape(-1, 2)
    motion = flow[rows, columns].reshape(-1, 2)
    keep = valid[rows, columns].reshape(-1) & ~_in_boxes(at, exclude_boxes)
    return fit_camera_homography(at[keep], at[keep] + motion[keep])


def fit_camera_homography(first: Points32, second: Points32) -> CameraMotion:
    """Homography that maps most of the (n, 2) `first` points to the `second`, by RANSAC (see lucas_kanade.py)."""
    if len(first) < MIN_SAMPLES:
        return STATIC_CAMERA
    found: Any = cv2.findHomography(
        first, second, cv2.RANSAC, REPROJECTION_PX, maxIters=MAX_ITERATIONS, confidence=CONFIDENCE
    )
    homography, agrees = found
    if homography is None or not np.isfinite(homography).all():
        return STATIC_CAMERA
    return CameraMotion(np.asarray(homography, np.float64), float(agrees.mean()))


def compute_camera_flow(
    homography: NDArray[np.float64], height: int, width: int, part: tuple[slice, slice] = WHOLE
) -> FlowField:
    """(h, w, 2) flow caused by the camera alone, or its `part` (rows, columns); subtract it to get independent motion.

    The part must hold a pixel.
    """
    grid = pixel_grid(height, width)[part]
    moved: Any = cv2.perspectiveTransform(grid.astype(np.float64), homography)
    return (moved - grid).astype(np.float32)


def _in_boxes(at: NDArray[np.float32], boxes: ArrayLike | None) -> NDArray[np.bool_]:
    """(n,) whether each point lies in any of the (k, 4) xyxy boxes."""
    xyxy = np.asarray([] if boxes is None else boxes, np.float32).reshape(-1, 4)
    x, y = at[:, 0, None], at[:, 1, None]
    inside = (x >= xyxy[:, 0]) & (x <= xyxy[:, 2]) & (y >= xyxy[:, 1]) & (y <= xyxy[:, 3])
    return np.asarray(inside.any(axis=1))
