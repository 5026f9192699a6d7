"""Cells of a feature grid: their positions, their neighbourhoods, and the soft-argmax over cells.

A cell's index counts in reading order; its position is (column, row), integers at the centre of the cell.
"""

from __future__ import annotations

from collections.abc import Callable

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
