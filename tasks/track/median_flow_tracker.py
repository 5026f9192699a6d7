"""Single-object tracking by the median of sparse optical flow (Median Flow).

Source: Kalal, Mikolajczyk and Matas, "Forward-backward error: automatic detection of tracking failures" (ICPR 2010).
A grid of points inside the box is tracked to the next frame by Lucas-Kanade; points whose forward-backward error is too
large are dropped. The box moves by the median displacement and scales by the median ratio of the distances of points.
Difference: the error has a fixed limit (geometry/lucas_kanade.py) instead of its median.
An object that was lost is not searched again: from then on the box stays where it was last. A simple baseline: it
drifts where the background fills much of the box, and at occlusions.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np

from tasks.arrays import Floats, GrayImage, Image, Points32
from tasks.artifacts.frames import Frames
from tasks.geometry.lucas_kanade import TrackedPoints, track_points

GRID_POINTS = 10  # on each side of the grid, as in the paper
MIN_POINTS = 4  # below it the object is lost: the median of fewer follows a single outlier


def track_by_median_flow(frames: Frames, frame: int, xyxy: Floats) -> Iterator[tuple[int, Floats, bool]]:
    """(frame, (4,) xyxy, whether it was found) from `frame`, where the box is given, to the end.

    Damaged and lost frames are left out.
    """
    box, found = np.asarray(xyxy, np.float64), True
    before: GrayImage | None = None
    for now, image in frames.images(frame):
        gray = _to_gray(image)
        if before is not None and found:
            moved = move_box(before, gray, box)
            box, found = (box, False) if moved is None else (moved, True)
        before = gray
        yield now, box, found


def move_box(first: GrayImage, second: GrayImage, xyxy: Floats) -> Floats | None:
    """(4,) the xyxy box of the object of `first` in `second`; None where too few of its points are found or in view."""
    height, width = second.shape
    grid = _make_grid(xyxy)
    grid = grid[((grid >= 0) & (grid <= (width - 1, height - 1))).all(axis=1)]
    points = track_points(first, second, grid)
    if len(points.index) < MIN_POINTS:
        return None
    centre = (xyxy[:2] + xyxy[2:]) / 2 + np.median(points.second - points.first, axis=0)
    half = (xyxy[2:] - xyxy[:2]) / 2 * _median_scale(points)
    moved = np.concatenate([centre - half, centre + half])
    is_in_view = (moved[:2] < (width, height)).all() and (moved[2:] > 0).all()
    return moved if is_in_view else None


def _make_grid(xyxy: Floats) -> Points32:
    """(GRID_POINTS^2, 2) points, the centres of the cells of an even grid on the box."""
    share = (np.arange(GRID_POINTS) + 0.5) / GRID_POINTS
    x, y = np.meshgrid(xyxy[0] + share * (xyxy[2] - xyxy[0]), xyxy[1] + share * (xyxy[3] - xyxy[1]))
    return np.stack([x.ravel(), y.ravel()], axis=1).astype(np.float32)


def _median_scale(points: TrackedPoints) -> float:
    """Median ratio of the distances between two points after and before; pairs at the same place do not count."""
    one, other = np.triu_indices(len(points.index), 1)
    before = np.linalg.norm(points.first[one] - points.first[other], axis=1)
    after = np.linalg.norm(points.second[one] - points.second[other], axis=1)
    return float(np.median(after[before > 0] / before[before > 0]))


def _to_gray(image: Image) -> GrayImage:
    gray: Any = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    return gray
