"""Layers of several strides joined on one grid of unit vectors.

Each layer is centred on its own mean over the frame, so that what all cells share (exposure, the network's bias) does
not count; brought to the finest grid; each of its vectors to length 1, so that layers weigh alike; then joined. With a
projection, the joined vectors are centred and turned onto its axes, those of a principal component analysis.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.geometry.grid import unit


@dataclass(frozen=True)
class Projection:
    """Principal axes of joined vectors."""

    mean: NDArray[np.float32]
    """(c,)."""
    axes: NDArray[np.float32]
    """(c, d), columns orthonormal, the widest spread first."""

    def apply(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """(..., c) to (..., d)."""
        # float64 sums: the result is rounded to float16 afterwards, whatever order the processor added in.
        # One flat product of one type, or NumPy leaves BLAS aside and takes thirty times as long.
        flat = (vectors - self.mean).reshape(-1, len(self.mean)).astype(np.float64)
        return (flat @ self.axes.astype(np.float64)).astype(np.float32).reshape(*vectors.shape[:-1], -1)


def joined(layers: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    """(h, w, c) unit vectors on the grid of the first, finest, layer; the others' sides divide its own, rounded up."""
    rows, columns = layers[0].shape[:2]
    parts = [unit(upsampled(layer - layer.mean(axis=(0, 1)), rows, columns)) for layer in layers]
    return unit(np.concatenate(parts, axis=2))


def upsampled(layer: NDArray[np.float32], rows: int, columns: int) -> NDArray[np.float32]:
    """(rows, columns, c) from a coarser grid whose first cell lies on the finer one's first, by linear interpolation.

    With padding of half a kernel and stride 2, coarse cell n lies on fine cell 2n exactly: what lies between is a mean.
    """
    return _stretched(_stretched(layer, rows, 0), columns, 1)


def _stretched(layer: NDArray[np.float32], count: int, axis: int) -> NDArray[np.float32]:
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


def fit_projection(vectors: NDArray[Any], dimensions: int) -> Projection:
    """Principal axes of (n, c) vectors; each axis points where its largest entry is positive, so that it is unique."""
    wide = np.asarray(vectors, np.float64)
    mean = wide.mean(axis=0)
    _, axes = np.linalg.eigh(np.cov((wide - mean).T))
    axes = axes[:, ::-1][:, :dimensions]
    axes = axes * np.sign(axes[np.abs(axes).argmax(axis=0), np.arange(axes.shape[1])])
    return Projection(mean.astype(np.float32), axes.astype(np.float32))
