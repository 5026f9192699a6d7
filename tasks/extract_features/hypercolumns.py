"""Layers of several strides joined on one grid of unit vectors.

Each layer is centred on its own mean over the frame, so that what all cells share (exposure, the network's bias) does
not count; brought to the finest grid; each of its vectors to length 1, so that layers weigh alike; then joined.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.geometry.cell_grid import l2_normalize


def join_layers(layers: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    """(h, w, c) unit vectors on the grid of the first, finest, layer; the others' sides divide its own, rounded up."""
    rows, columns = layers[0].shape[:2]
    parts = [l2_normalize(upsample_layer(layer - layer.mean(axis=(0, 1)), rows, columns)) for layer in layers]
    return l2_normalize(np.concatenate(parts, axis=2))


def upsample_layer(layer: NDArray[np.float32], rows: int, columns: int) -> NDArray[np.float32]:
    """(rows, columns, c) from a coarser grid whose first cell lies on the finer one's first, by linear interpolation.

    With padding of half a kernel and stride 2, coarse cell n lies on fine cell 2n exactly: what lies between is a mean.
    """
    return _upsample_axis(_upsample_axis(layer, rows, 0), columns, 1)


def _upsample_axis(layer: NDArray[np.float32], count: int, axis: int) -> NDArray[np.float32]:
    have = layer.shape[axis]
    factor = 1
    while have * factor < count:
        factor *= 2
    at = np.minimum(np.arange(count) / factor, have - 1)
    low = np.minimum(at.astype(int), max(have - 2, 0))
    weight = (at - low).astype(np.float32).reshape([-1 if n == axis else 1 for n in range(3)])
    high = np.minimum(low + 1, have - 1)
    one = np.float32(1)
    mixed: NDArray[Any] = np.take(layer, low, axis) * (one - weight) + np.take(layer, high, axis) * weight
    return mixed
