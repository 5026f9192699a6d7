"""A grid of feature cells on a frame: cell positions in pixels, and feature vectors pooled under boxes.

Pixel centres are at integers; so are the columns and rows of cells.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

MIN_LENGTH = 1e-9  # avoids division by zero for zero vectors


@dataclass(frozen=True)
class CellGrid:
    """Where the cells of a grid lie on the frame, in working-size pixels (centres at integers)."""

    rows: int
    columns: int
    step_x: float
    """From one cell's centre to the next one to the right."""
    step_y: float
    """From one cell's centre to the next one below."""
    left: float
    """x of the first cell's centre."""
    top: float
    """y of the first cell's centre."""

    def cell_centres(self) -> NDArray[np.float32]:
        """(h, w, 2) x, y of every cell's centre in pixels."""
        cells = np.stack(np.meshgrid(np.arange(self.columns), np.arange(self.rows)), axis=2)
        return self.to_px(cells.astype(np.float32))

    def to_px(self, cells: NDArray[np.float32]) -> NDArray[np.float32]:
        """(..., 2) columns and rows to pixels."""
        return cells * np.array([self.step_x, self.step_y], np.float32) + np.array([self.left, self.top], np.float32)

    def to_cells(self, px: NDArray[np.float32]) -> NDArray[np.float32]:
        """(..., 2) pixels to columns and rows."""
        return (px - np.array([self.left, self.top], np.float32)) / np.array([self.step_x, self.step_y], np.float32)


def l2_normalize(vectors: NDArray[Any]) -> NDArray[np.float32]:
    """(..., d) vectors scaled to Euclidean length 1; zero vectors stay zero."""
    wide = np.asarray(vectors, np.float32)
    length = np.linalg.norm(wide, axis=-1, keepdims=True).astype(np.float32)
    return wide / np.maximum(length, np.float32(MIN_LENGTH))


def pool_boxes(vectors: NDArray[Any], grid: CellGrid, xyxy: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
    """(n, d) mean of the (h, w, d) vectors under each of (n, 4) boxes in pixels, weighted by overlap, normalized.

    A cell reaches half a step to each side of its centre; cells at the border extend to infinity, so that a
    box beyond the last centre has a vector too.
    """
    across = _overlap_lengths(xyxy[:, 0], xyxy[:, 2], grid.left, grid.step_x, grid.columns)
    down = _overlap_lengths(xyxy[:, 1], xyxy[:, 3], grid.top, grid.step_y, grid.rows)
    rows = np.einsum("nh,hwd->nwd", down, np.asarray(vectors, np.float32))
    return l2_normalize(np.einsum("nw,nwd->nd", across, rows))


def _overlap_lengths(
    low: NDArray[np.floating[Any]], high: NDArray[np.floating[Any]], first: float, step: float, count: int
) -> NDArray[np.float32]:
    """(n, count) length of the overlap of each interval with each cell; an empty interval counts as a point."""
    edges = first + (np.arange(count + 1) - 0.5) * step
    edges[0], edges[-1] = -np.inf, np.inf
    low, high = np.minimum(low, high), np.maximum(high, low + step * 1e-3)
    shared = np.minimum(high[:, None], edges[1:]) - np.maximum(low[:, None], edges[:-1])
    return np.maximum(shared, 0).astype(np.float32)
