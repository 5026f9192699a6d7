"""Label maps as class probabilities, at pixel resolution and on the grid of feature cells."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tasks.arrays import ClassProbabilities, LabelMap
from tasks.geometry.cell_grid import CellGrid
from tasks.geometry.resampling import resample_to_cells, resample_to_pixels

BACKGROUND = 0
"""The first class of every label map."""
UNKNOWN = 255
"""The label of a pixel without a label (ignore index)."""


def encode_one_hot(labels: LabelMap, classes: int) -> ClassProbabilities:
    """(h, w, c) 1 for the class of each pixel; zeros where it is unknown."""
    return np.eye(UNKNOWN + 1, classes, dtype=np.float32)[labels]


def weigh_classes(values: NDArray[np.float32], weight: NDArray[np.float32]) -> NDArray[np.float32]:
    """(h, w, c) `values` times the (h, w) `weight`.

    Class by class: a product broadcast over a last axis of a few classes takes several times as long.
    """
    weighted = np.empty_like(values)
    for n in range(values.shape[-1]):
        np.multiply(values[..., n], weight, out=weighted[..., n])
    return weighted


def pool_to_cells(probabilities: ClassProbabilities, cells: CellGrid) -> ClassProbabilities:
    """(rows, columns, c) mean of the (h, w, c) `probabilities` under each cell."""
    return np.stack([resample_to_cells(probabilities[..., n], cells) for n in range(probabilities.shape[-1])], axis=-1)


def upsample_to_pixels(
    probabilities: ClassProbabilities, cells: CellGrid, height: int, width: int
) -> ClassProbabilities:
    """(height, width, c) bilinear interpolation of the (rows, columns, c) `probabilities` between cell centres."""
    return resample_to_pixels(probabilities, cells, height, width).reshape(height, width, probabilities.shape[-1])
