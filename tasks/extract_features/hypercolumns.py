"""Hypercolumns: network layers of several strides joined into one vector per cell of the finest grid.

After Hariharan et al., "Hypercolumns for Object Segmentation and Fine-grained Localization" (CVPR 2015). Each layer is
centred on its mean over the frame, which removes what all cells share (exposure, the network's bias), upsampled to the
finest grid, and normalized per cell, so that layers size equal weight; then they are concatenated.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.arrays import Floats32, Indices
from tasks.geometry.cell_grid import l2_normalize


def join_layers(layers: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    """(h, w, c) unit vectors on the grid of the first, finest, layer; the others are coarser by powers of two."""
    rows, columns = layers[0].shape[:2]
    parts = [l2_normalize(upsample_layer(layer - layer.mean(axis=(0, 1)), rows, columns)) for layer in layers]
    return l2_normalize(np.concatenate(parts, axis=2))


def upsample_layer(layer: NDArray[np.float32], rows: int, columns: int) -> NDArray[np.float32]:
    """(rows, columns, c) by linear interpolation of a coarser grid whose first cell coincides with the finer one's.

    With padding of half a kernel and stride 2, coarse cell n lies on fine cell 2n exactly: those between are means.
    """
    return _upsample_axis(_upsample_axis(layer, rows, 0), columns, 1)


def compute_upsampling(size: int, count: int) -> tuple[Indices, Indices, Floats32]:
    """For each of `count` fine cells along an axis: the coarse cells of `size` before and after it, and the weight of
    the latter."""
    factor = 1
    while size * factor < count:
        factor *= 2
    at = np.minimum(np.arange(count) / factor, size - 1)
    low = np.minimum(at.astype(int), max(size - 2, 0))
    return low, np.minimum(low + 1, size - 1), (at - low).astype(np.float32)


def _upsample_axis(layer: NDArray[np.float32], count: int, axis: int) -> NDArray[np.float32]:
    low, high, weights = compute_upsampling(layer.shape[axis], count)
    weight = weights.reshape([-1 if n == axis else 1 for n in range(3)])
    one = np.float32(1)
    values: NDArray[Any] = np.take(layer, low, axis) * (one - weight) + np.take(layer, high, axis) * weight
    return values
