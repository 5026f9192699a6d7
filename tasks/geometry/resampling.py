"""Resampling between pixels and grid cells: masks to shares per cell, and cell values to pixels.

A cell reaches half a step to each side of its centre; pixels beyond the outermost cells belong to those. Pixel centres
are at integers, so pixel n reaches from n - 1/2 to n + 1/2.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.geometry.cell_grid import CellGrid


def resample_to_cells(pixels: NDArray[Any], grid: CellGrid) -> NDArray[np.float32]:
    """(h, w) mean of the (height, width) `pixels` (a mask, or any field) under each cell."""
    height, width = pixels.shape
    down = _pixel_weights(height, grid.top, grid.step_y, grid.rows)
    across = _pixel_weights(width, grid.left, grid.step_x, grid.columns)
    return (down @ pixels.astype(np.float64) @ across.T).astype(np.float32)


def resample_to_pixels(cells: NDArray[np.float32], grid: CellGrid, height: int, width: int) -> NDArray[np.float32]:
    """(height, width) or (height, width, c) bilinear interpolation of the (h, w) or (h, w, c) `cells`."""
    pixels: Any = cv2.remap(
        cells, *_pixels_in_cells(grid, height, width), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return pixels


@lru_cache(maxsize=4)
def _pixels_in_cells(grid: CellGrid, height: int, width: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """(height, width) column and row of every pixel, in cells; read-only."""
    x = (np.arange(width, dtype=np.float32) - np.float32(grid.left)) / np.float32(grid.step_x)
    y = (np.arange(height, dtype=np.float32) - np.float32(grid.top)) / np.float32(grid.step_y)
    at_x, at_y = np.meshgrid(x, y)
    at_x.setflags(write=False)
    at_y.setflags(write=False)
    return at_x, at_y


def rescale_grid(grid: CellGrid, height: int, width: int, other_height: int, other_width: int) -> CellGrid:
    """The same cells on an image scaled to another size."""
    x, y = other_width / width, other_height / height
    return CellGrid(
        grid.rows,
        grid.columns,
        step_x=grid.step_x * x,
        step_y=grid.step_y * y,
        left=(grid.left + 0.5) * x - 0.5,
        top=(grid.top + 0.5) * y - 0.5,
    )


def _pixel_weights(length: int, first: float, step: float, count: int) -> NDArray[np.float64]:
    """(count, length) weight of each pixel in each cell's mean along one axis."""
    edges = first + (np.arange(count + 1) - 0.5) * step
    edges[0], edges[-1] = min(edges[0], -0.5), max(edges[-1], length - 0.5)
    pixel = np.arange(length)
    overlap = np.minimum(edges[1:, None], pixel + 0.5) - np.maximum(edges[:-1, None], pixel - 0.5)
    overlap = np.maximum(overlap, 0)
    return overlap / np.maximum(overlap.sum(axis=1, keepdims=True), np.finfo(np.float64).tiny)
