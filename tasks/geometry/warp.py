"""Backward warping of images and fields by a flow field.

A flow field is (h, w, 2) float32: at each pixel of the first image, the displacement (x, y) in pixels to the same point
in the second. Pixel centres lie at integers, so a whole-pixel flow copies pixels exactly.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.arrays import FlowField

A = TypeVar("A", bound=np.generic)


@lru_cache(maxsize=4)
def pixel_grid(height: int, width: int) -> FlowField:
    """(h, w, 2) coordinates x, y of every pixel centre; read-only."""
    y, x = np.mgrid[:height, :width].astype(np.float32)
    grid = np.stack([x, y], axis=2)
    grid.setflags(write=False)
    return grid


def target_points(flow: FlowField) -> FlowField:
    """(h, w, 2) position in the second image of each pixel of the first."""
    return pixel_grid(*flow.shape[:2]) + flow


def take_every(flow: FlowField, step: int) -> FlowField:
    """(ceil(h / step), ceil(w / step), 2) every step-th vector of every step-th row of the (h, w, 2) `flow`."""
    vectors = np.ascontiguousarray(flow).view(np.complex64)[..., 0]  # copied as units: a quarter of the time
    return np.ascontiguousarray(vectors[::step, ::step]).view(np.float32).reshape(*vectors[::step, ::step].shape, 2)


def warp_image(image: NDArray[A], flow: FlowField) -> NDArray[A]:
    """The second image (or any field on it) aligned with the first: `image` sampled at x + flow(x), bilinear.

    `image` is (h, w) or (h, w, c), uint8 or float32. Targets outside it take the nearest border pixel;
    `find_targets_inside` gives where.
    """
    return sample_image(image, target_points(flow))


def sample_image(image: NDArray[A], points: FlowField) -> NDArray[A]:
    """(h, w) or (h, w, c) values of `image` at (h, w, 2) `points` x, y, as warp_image takes them."""
    remap: Any = cv2.remap  # the stub requires a second map, which a map of pairs does without
    return remap(image, points, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def find_targets_inside(flow: FlowField) -> NDArray[np.bool_]:
    """(h, w) whether a pixel's target lies in the second image, up to half a pixel beyond its outermost centres."""
    return find_points_inside(target_points(flow), *flow.shape[:2])


def find_points_inside(points: FlowField, height: int, width: int) -> NDArray[np.bool_]:
    """(h, w) which of (h, w, 2) `points` lie in an image of that size, half a pixel beyond its centres included."""
    return cv2.inRange(points, (-0.5, -0.5), (width - 0.5, height - 0.5)).astype(np.bool_)
