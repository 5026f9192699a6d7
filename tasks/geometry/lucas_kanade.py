"""Sparse optical flow: corners tracked from one image to the next by pyramidal Lucas-Kanade.

Corners: Shi and Tomasi, "Good features to track" (1994). Tracking: Lucas and Kanade (1981) on pyramids (Bouguet, 2000).
Check: forward-backward error (Kalal et al., 2010): a point that does not return to its start is dropped.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.arrays import GrayImage, Points32

CORNER_QUALITY = (
    0.01  # corners down to this share of the best one's response (OpenCV's tutorial on Lucas-Kanade uses .3)
)
MIN_DISTANCE_PX = 7.0  # between two corners: half a window, so that their windows hardly overlap
WINDOW_PX = 21  # OpenCV's default
PYRAMID_LEVELS = 3  # above the full size, OpenCV's default: displacements up to some 80 px
MAX_RETURN_ERROR_PX = 1.0  # largest forward-backward error of a tracked point


@dataclass(frozen=True)
class TrackedPoints:
    """Points found in both images."""

    first: Points32
    """(n, 2) in the first image."""
    second: Points32
    """(n, 2) in the second."""
    index: NDArray[np.intp]
    """(n,) row of each in the points given."""


def detect_corners(image: GrayImage, count: int, where: NDArray[np.bool_] | None = None) -> Points32:
    """(n, 2) up to `count` corners of the (h, w) grey `image`, strongest first, inside the mask `where` if given."""
    mask = None if where is None else where.astype(np.uint8)
    found: Any = cv2.goodFeaturesToTrack(image, count, CORNER_QUALITY, MIN_DISTANCE_PX, mask=mask)
    return np.empty((0, 2), np.float32) if found is None else found.reshape(-1, 2)


def track_points(first: GrayImage, second: GrayImage, points: Points32) -> TrackedPoints:
    """The (n, 2) `points` of the grey image `first` that are found in `second`, with their positions forward."""
    if not len(points):
        return TrackedPoints(points, points, np.empty(0, np.intp))
    forward, found = _run_lucas_kanade(first, second, points)
    back, returned = _run_lucas_kanade(second, first, forward)
    height, width = second.shape
    inside = ((forward >= 0) & (forward <= (width - 1, height - 1))).all(axis=1)
    good = found & returned & inside & (np.linalg.norm(back - points, axis=1) <= MAX_RETURN_ERROR_PX)
    return TrackedPoints(points[good], forward[good], np.flatnonzero(good))


def _run_lucas_kanade(first: GrayImage, second: GrayImage, points: Points32) -> tuple[Points32, NDArray[np.bool_]]:
    start = np.ascontiguousarray(points, np.float32).reshape(-1, 1, 2)
    # The stub requires an array for the third argument; None lets OpenCV allocate it.
    track: Any = cv2.calcOpticalFlowPyrLK
    at, status, _ = track(first, second, start, None, winSize=(WINDOW_PX, WINDOW_PX), maxLevel=PYRAMID_LEVELS)
    return at.reshape(-1, 2), status.reshape(-1).astype(bool)
