"""Cells of a feature grid: their positions, their neighbourhoods, and the soft-argmax over cells.

A cell's index counts in reading order; its position is (column, row), integers at the centre of the cell.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.arrays import Indices

GridSize = tuple[int, int]
"""Rows and columns."""


def list_cell_positions(size: GridSize) -> NDArray[np.float32]:
    """(rows * columns, 2) column and row of every cell, in reading order."""
    rows, columns = size
    y, x = np.divmod(np.arange(rows * columns), columns)
    return np.stack([x, y], axis=1).astype(np.float32)


def make_neighbourhood(size: GridSize, radius: int) -> Callable[[Indices], Indices]:
    """A function from (n,) cells to the (n, (2 radius + 1)^2) cells around them, -1 outside the grid."""
    rows, columns = size
    offsets = np.arange(-radius, radius + 1)
    down, right = (offset.reshape(-1) for offset in np.meshgrid(offsets, offsets, indexing="ij"))

    def around(index: Indices) -> Indices:
        y, x = np.divmod(index, columns)
        y, x = y[:, None] + down, x[:, None] + right
        inside = (y >= 0) & (y < rows) & (x >= 0) & (x < columns)
        return np.where(inside, y * columns + x, -1)

    return around


@dataclass(frozen=True)
class SearchWindow:
    """Which pairs of cells may match: those whose positions differ by at most `radius` in either coordinate."""

    expected: NDArray[np.float32]
    """(n, 2) x, y at which each cell of the first grid is expected in the second; NaN: unlimited."""
    size: GridSize
    """Of the second grid."""
    radius: float
    """Largest difference of either coordinate."""

    @property
    def cells_per_window(self) -> int:
        """Cells that list_cells gives for each cell, some of them outside."""
        return self._side**2

    @property
    def _side(self) -> int:
        return 2 * math.ceil(self.radius) + 2  # a position between cells, and its rounding, may need one more

    def mask_outside(self, rows: slice) -> NDArray[np.bool_]:
        """(rows, m) the excluded pairs; none where a position is NaN."""
        (ax, ay), (bx, by) = self.expected[rows].T[:, :, None], list_cell_positions(self.size).T
        return (np.abs(ax - bx) > self.radius) | (np.abs(ay - by) > self.radius)

    def list_cells(self, rows: slice) -> Indices:
        """(rows, cells_per_window) the cells that mask_outside leaves, in reading order, -1 between them.

        No expected position may be NaN.
        """
        corner = np.floor(self.expected[rows].astype(np.float64) - self.radius).astype(np.intp)
        down, right = np.divmod(np.arange(self.cells_per_window), self._side)
        x, y = corner[:, :1] + right, corner[:, 1:] + down
        inside = (x >= 0) & (x < self.size[1]) & (y >= 0) & (y < self.size[0])
        return self.keep_inside(rows, np.where(inside, y * self.size[1] + x, -1))

    def keep_inside(self, rows: slice, cells: Indices) -> Indices:
        """The (rows, k) `cells` of the second grid, -1 where mask_outside excludes them."""
        y, x = (part.astype(np.float32) for part in np.divmod(cells, self.size[1]))
        (ax, ay) = self.expected[rows].T[:, :, None]
        outside = (np.abs(ax - x) > self.radius) | (np.abs(ay - y) > self.radius)
        return np.where(outside, -1, cells)


def soft_argmax(
    similarities: NDArray[np.float64], positions: NDArray[np.float32], temperature: float
) -> NDArray[np.float32]:
    """(n, 2) mean of (n, k, 2) `positions`, weighted by the softmax of their (n, k) `similarities`; -inf weighs 0.

    Luvizon, Tabia and Picard (2019) take it over the whole map; over a window around the best cell, a second maximum
    elsewhere has no influence.
    """
    weights = np.exp((similarities - similarities.max(axis=1, keepdims=True)) / temperature)
    weights /= weights.sum(axis=1, keepdims=True)
    return np.einsum("nk,nkc->nc", weights, positions).astype(np.float32)
