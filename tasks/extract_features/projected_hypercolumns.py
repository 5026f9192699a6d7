"""Hypercolumns projected to fewer dimensions, without building them: each layer is projected on its own coarse grid.

Upsampling and projection are both linear and commute: a layer of stride 32 has a sixteenth of the finest grid's cells,
and most of the channels. Only the length by which each upsampled vector is divided is not linear; its square is a
quadratic form of the scalar products of neighbouring coarse vectors. The vectors are those of hypercolumns.join_layers
projected by LinearProjection and normalized, up to rounding, at a tenth of the time.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from tasks.arrays import Floats, Floats32
from tasks.extract_features.hypercolumns import compute_upsampling
from tasks.geometry.cell_grid import MIN_LENGTH
from tasks.geometry.wccn_projection import LinearProjection


def join_projected_layers(layers: Sequence[NDArray[np.float32]], projection: LinearProjection) -> Floats32:
    """(h, w, d) unit vectors on the grid of the first, finest, of the (h', w', c') layers; sums are in float64."""
    rows, columns, _ = layers[0].shape
    axes = projection.axes.astype(np.float64)
    joined = np.zeros((axes.shape[1], rows, columns))
    squares = np.zeros((rows, columns))
    first = 0
    for layer in layers:
        mine = axes[first : first + layer.shape[2]]
        first += layer.shape[2]
        planes = layer.transpose(2, 0, 1).astype(np.float64)
        planes -= planes.mean(axis=(1, 2), keepdims=True)
        lengths = _measure_upsampled(planes, rows, columns)
        scale = 1 / np.maximum(lengths, MIN_LENGTH)
        projected = (mine.T @ planes.reshape(len(planes), -1)).reshape(-1, *planes.shape[1:])
        joined += _upsample_planes(projected, rows, columns) * scale
        squares += np.square(lengths * scale)
    joined /= np.maximum(np.sqrt(squares), MIN_LENGTH)
    joined -= (projection.mean.astype(np.float64) @ axes)[:, None, None]
    joined /= np.maximum(np.sqrt(np.einsum("dhw,dhw->hw", joined, joined)), MIN_LENGTH)
    return np.ascontiguousarray(joined.transpose(1, 2, 0), np.float32)


def _upsample_planes(planes: Floats, rows: int, columns: int) -> Floats:
    """(d, rows, columns) by linear interpolation of (d, h, w)."""
    if planes.shape[1:] == (rows, columns):
        return planes
    down, across = _interpolation_matrix(planes.shape[1], rows), _interpolation_matrix(planes.shape[2], columns)
    return down @ (planes @ across.T)


def _measure_upsampled(planes: Floats, rows: int, columns: int) -> Floats:
    """(rows, columns) lengths of the vectors that linear interpolation of the (c, h, w) planes gives."""
    own = np.einsum("chw,chw->hw", planes, planes)
    if own.shape == (rows, columns):
        return np.sqrt(own)
    beside = np.einsum("chw,chw->hw", planes[:, :, :-1], planes[:, :, 1:])
    below = np.einsum("chw,chw->hw", planes[:, :-1], planes[:, 1:])
    diagonal = np.einsum("chw,chw->hw", planes[:, :-1, :-1], planes[:, 1:, 1:])
    diagonal += np.einsum("chw,chw->hw", planes[:, :-1, 1:], planes[:, 1:, :-1])
    down, across_down = _square_matrices(own.shape[0], rows)
    right, across_right = _square_matrices(own.shape[1], columns)
    squares = (down @ own + across_down @ below) @ right.T + (
        down @ beside + across_down @ diagonal / 2
    ) @ across_right.T
    return np.sqrt(np.maximum(squares, 0))


@lru_cache(maxsize=16)
def _interpolation_matrix(size: int, count: int) -> Floats:
    """(count, size) weights of coarse cells along an axis in each fine one."""
    low, high, weight = compute_upsampling(size, count)
    matrix, fine = np.zeros((count, size)), np.arange(count)
    np.add.at(matrix, (fine, low), 1.0 - weight)
    np.add.at(matrix, (fine, high), weight)
    return matrix


@lru_cache(maxsize=16)
def _square_matrices(size: int, count: int) -> tuple[Floats, Floats]:
    """(count, size) squared weights of coarse cells, and (count, size - 1) twice the product of two neighbours'."""
    weights = _interpolation_matrix(size, count)
    return np.square(weights), 2 * weights[:, :-1] * weights[:, 1:]
