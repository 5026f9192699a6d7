"""Neighbourhood consensus: the displacement that the confident cells around an unsure cell agree on.

A cell on a uniform wall resembles many cells, so its nearest neighbour may lie anywhere; its cycle error shows that.
The median of the displacements around it, weighted by their squared confidence, predicts about where it went: the idea
of Rocco et al., "Neighbourhood Consensus Networks" (NeurIPS 2018), without a network, by a weighted median as in
optical flow (Sun, Roth and Black, IJCV 2014).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tasks.arrays import Indices

Displacement = NDArray[np.float32]
"""(h, w, 2) cells to the right and down."""


def compute_consensus(
    displacement: Displacement, confidence: NDArray[np.float32], radius: int, cells: Indices
) -> NDArray[np.float32]:
    """(n, 2) weighted median of the displacements around each of (n,) `cells`, per component.

    Around means in a square of `radius` cells to each side.
    """
    weights = _square_windows(np.square(confidence), radius, cells)
    return np.stack(
        [weighted_median(_square_windows(part, radius, cells), weights) for part in np.moveaxis(displacement, 2, 0)],
        axis=1,
    )


def weighted_median(values: NDArray[np.float32], weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """(...,) the smallest of the (..., k) `values` at which the sum of the `weights` reaches half."""
    order = values.argsort(axis=-1, kind="stable")
    reached = np.take_along_axis(weights, order, axis=-1).cumsum(axis=-1, dtype=np.float64)
    half = (reached >= reached[..., -1:] / 2).argmax(axis=-1)[..., None]
    return np.take_along_axis(np.take_along_axis(values, order, axis=-1), half, axis=-1)[..., 0]


def _square_windows(field: NDArray[np.float32], radius: int, cells: Indices) -> NDArray[np.float32]:
    """(n, k) values of the (h, w) `field` around each cell, 0 beyond the border, where weights are 0 too."""
    square = np.lib.stride_tricks.sliding_window_view(np.pad(field, radius), (2 * radius + 1, 2 * radius + 1))
    return square[np.divmod(cells, field.shape[1])].reshape(len(cells), -1)
