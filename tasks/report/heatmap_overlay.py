"""Grad-CAM heat maps as overlay on a frame: the regions that support a prediction."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.arrays import Image

INSIDE_BRIGHTNESS = np.float32(0.75)  # brightness of what the network saw without effect
OUTSIDE_BRIGHTNESS = np.float32(0.35)  # brightness of what it did not see
CROP_FACTOR = 2.5  # height of what is shown over the side of the square
MAX_OPACITY = np.float32(0.75)  # opacity of the heat at its peak


def overlay_heatmap(image: Image, square: NDArray[np.float32], cam: NDArray[np.float32]) -> Image:
    """(h, w, 3) grey `image` with the (r, c) evidence 0..1 as heat over `square` (xyxy, px), darker outside it."""
    grey: Any = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    heat, inside = resample_heatmap(image.shape[:2], square, cam)
    brightness = np.where(inside, INSIDE_BRIGHTNESS, OUTSIDE_BRIGHTNESS)[..., None]
    opacity = (MAX_OPACITY * heat)[..., None]
    mixed = grey[..., None] * brightness * (1 - opacity) + colour_heatmap(heat) * opacity
    return np.rint(mixed).astype(np.uint8)


def crop_around(image: Image, square: NDArray[np.float32]) -> Image:
    """The part of `image` around a small `square` (xyxy, px), in its own proportions; all of it around a large one."""
    height, width = image.shape[:2]
    share = min(1.0, CROP_FACTOR * float(square[3] - square[1]) / height)
    rows, columns = max(1, round(share * height)), max(1, round(share * width))
    middle_x, middle_y = (square[0] + square[2]) / 2, (square[1] + square[3]) / 2
    left = int(np.clip(round(float(middle_x) - columns / 2), 0, width - columns))
    top = int(np.clip(round(float(middle_y) - rows / 2), 0, height - rows))
    return image[top : top + rows, left : left + columns]


def resample_heatmap(
    shape: tuple[int, ...], square: NDArray[np.float32], cam: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """(h, w) evidence between the cells' centres, linear, and whether a pixel lies inside `square`."""
    rows, columns = cam.shape
    x, y = (np.arange(length, dtype=np.float32) for length in (shape[1], shape[0]))
    width, height = square[2] - square[0], square[3] - square[1]
    inside = ((y > square[1]) & (y < square[3]))[:, None] & ((x > square[0]) & (x < square[2]))[None]
    # A cell's centre lies half a cell from its edge.
    column = (x - square[0]) / width * columns - np.float32(0.5)
    row = (y - square[1]) / height * rows - np.float32(0.5)
    at_x, at_y = np.meshgrid(column.astype(np.float32), row.astype(np.float32))
    heat: Any = cv2.remap(cam, at_x, at_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.where(inside, heat, np.float32(0)), inside


def colour_heatmap(heat: NDArray[np.float32]) -> NDArray[np.float32]:
    """(h, w, 3) RGB of heat 0..1, from dark violet over orange to yellow."""
    levels: Any = np.rint(255 * heat).astype(np.uint8)
    bgr: Any = cv2.applyColorMap(levels, cv2.COLORMAP_INFERNO)
    return bgr[..., ::-1].astype(np.float32)


def render_colour_scale(width: int, height: int) -> Image:
    """(height, width, 3) the colours from lowest to highest evidence, over mid grey."""
    heat = np.tile(np.linspace(0, 1, width, dtype=np.float32), (height, 1))
    everything = np.array([-0.5, -0.5, width - 0.5, height - 0.5], np.float32)
    return overlay_heatmap(np.full((height, width, 3), 128, np.uint8), everything, heat)
