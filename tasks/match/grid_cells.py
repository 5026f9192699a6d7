"""Cells of a grid: their places, their neighbours, and the mean place of a few of them.

A cell is counted in reading order; its place is column and row, whole numbers at its centre.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from tasks.arrays import Indices

GridSize = tuple[int, int]
"""Rows and columns."""


def list_cell_positions(size: GridSize) -> NDArray[np.float32]:
    """(rows * columns, 2) column and row of every cell."""
    rows, columns = size
    y, x = np.divmod(np.arange(rows * columns), columns)
    return np.stack([x, y], axis=1).astype(np.float32)


def make_neighbourhood(size: GridSize, radius: int) -> Callable[[Indices], Indices]:
    """A function from (n,) cells to (n, (2 radius + 1)^2) cells around them, -1 beyond the border of the grid."""
    rows, columns = size
    steps = np.arange(-radius, radius + 1)
    down, right = (step.reshape(-1) for step in np.meshgrid(steps, steps, indexing="ij"))

    def around(index: Indices) -> Indices:
        y, x = np.divmod(index, columns)
        y, x = y[:, None] + down, x[:, None] + right
        inside = (y >= 0) & (y < rows) & (x >= 0) & (x < columns)
        return np.where(inside, y * columns + x, -1)

    return around


def soft_argmax(
    similarities: NDArray[np.float64], places: NDArray[np.float32], temperature: float
) -> NDArray[np.float32]:
    """(n, 2) mean of (n, k, 2) `places`, weighted by the softmax of their (n, k) `similarities`; -inf weighs nothing.

    Luvizon, Tabia and Picard (2019) over a whole map; over a window around the best place it cannot be drawn away by a
    second one elsewhere.
    """
    weights = np.exp((similarities - similarities.max(axis=1, keepdims=True)) / temperature)
    weights /= weights.sum(axis=1, keepdims=True)
    return np.einsum("nk,nkc->nc", weights, places).astype(np.float32)
