"""Label maps as shares of classes, on pixels and on cells."""

from __future__ import annotations

import numpy as np

from tasks.arrays import ClassProbabilities, LabelMap
from tasks.geometry.cell_grid import CellGrid
from tasks.geometry.resampling import resample_to_cells, resample_to_pixels

UNKNOWN = 255
"""The label of a pixel of which nothing is known."""


def encode_one_hot(labels: LabelMap, classes: int) -> ClassProbabilities:
    """(h, w, c) 1 for the class of each pixel; zeros where it is unknown."""
    return (labels[..., None] == np.arange(classes, dtype=np.uint8)).astype(np.float32)


def pool_to_cells(shares: ClassProbabilities, cells: CellGrid) -> ClassProbabilities:
    """(rows, columns, c) mean of the (h, w, c) `shares` under each cell."""
    return np.stack([resample_to_cells(shares[..., n], cells) for n in range(shares.shape[-1])], axis=-1)


def upsample_to_pixels(shares: ClassProbabilities, cells: CellGrid, height: int, width: int) -> ClassProbabilities:
    """(height, width, c) of the (rows, columns, c) `shares`, between centres bilinear."""
    return resample_to_pixels(shares, cells, height, width).reshape(height, width, shares.shape[-1])
