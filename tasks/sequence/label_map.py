"""Label maps as shares of classes, on pixels and on cells."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tasks.geometry.grid import CellGrid
from tasks.geometry.raster import cells_of, pixels_of
from tasks.sequence.sequence_view import Soft

UNKNOWN = 255
"""The label of a pixel of which nothing is known."""
Labels = NDArray[np.uint8]
"""(h, w) class of each pixel, or UNKNOWN."""


def shares_of(labels: Labels, classes: int) -> Soft:
    """(h, w, c) 1 for the class of each pixel; zeros where it is unknown."""
    return (labels[..., None] == np.arange(classes, dtype=np.uint8)).astype(np.float32)


def on_cells(shares: Soft, cells: CellGrid) -> Soft:
    """(rows, columns, c) mean of the (h, w, c) `shares` under each cell."""
    return np.stack([cells_of(shares[..., n], cells) for n in range(shares.shape[-1])], axis=-1)


def on_pixels(shares: Soft, cells: CellGrid, height: int, width: int) -> Soft:
    """(height, width, c) of the (rows, columns, c) `shares`, between centres bilinear."""
    return pixels_of(shares, cells, height, width).reshape(height, width, shares.shape[-1])
