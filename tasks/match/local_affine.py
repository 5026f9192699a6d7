"""Matches to a fraction of a cell by an affine motion fitted to the matches around each cell.

The soft-argmax of one cell errs by half a cell, since features are coarse and neighbouring cells see much of the same
pixels; most of that error differs from cell to cell. Over a few cells the displacement is about affine (as Lucas and
Kanade, 1981, and Bergen et al., 1992, assume for optical flow), so its least squares fit to the neighbours is more
exact than any of them. Neighbours weigh by their confidence and, by Geman and McClure's function of the residual, by
how well they agree with the cell itself: those of another object count for nothing. A fit that is far from the cell's
own match is not taken.
"""

from __future__ import annotations

from itertools import product

import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.float32]
"""(h, w) one number per cell."""
AGREEMENT_CELLS = 1.0
"""Residual at which a neighbour weighs a quarter."""
MAX_CHANGE_CELLS = 1.5
"""Distance of the fit from the cell's own match up to which it is taken."""
SLOPE_RIDGE = 1.0
"""Weight of the prior that the displacement is constant, in neighbours one cell away."""
PASSES = 2
"""The first weighs neighbours around the cell's own displacement, the second around the fit."""


def fit_local_affine(displacement: NDArray[np.float32], confidence: Field, radius: int) -> NDArray[np.float32]:
    """(h, w, 2) displacement of each cell by its neighbours' affine motion, or its own where that is far away.

    `displacement` (h, w, 2) is in cells; neighbours are those in a square of `radius` cells to each side. All sums are
    taken in the same order on every machine: no product of matrices.
    """
    own = np.ascontiguousarray(np.moveaxis(displacement, 2, 0), np.float32)
    padded, weights = np.pad(own, ((0, 0), (radius, radius), (radius, radius))), np.pad(confidence, radius)
    fit, slope = own, np.zeros((2, 2, *own.shape[1:]), np.float32)
    for _ in range(PASSES):
        fit, slope = _fit_once(padded, weights, fit, slope, radius)
    change = fit - own
    near = change[0] * change[0] + change[1] * change[1] <= MAX_CHANGE_CELLS**2
    return np.moveaxis(np.where(near, fit, own), 0, 2)


def _fit_once(
    padded: NDArray[np.float32], weights: Field, fit: NDArray[np.float32], slope: NDArray[np.float32], radius: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The (2, h, w) fit and its (2 axes, 2 components, h, w) slope, from those of the pass before."""
    h, w = fit.shape[1:]
    total, x, y, xx, xy, yy = np.zeros((6, h, w), np.float32)
    sums = np.zeros((3, 2, h, w), np.float32)
    offsets = range(-radius, radius + 1)
    for down, right in product(offsets, offsets):
        rows, columns = slice(radius + down, radius + down + h), slice(radius + right, radius + right + w)
        there = padded[:, rows, columns]
        gap = there - fit - np.float32(right) * slope[0] - np.float32(down) * slope[1]
        root = 1 + (gap[0] * gap[0] + gap[1] * gap[1]) * np.float32(AGREEMENT_CELLS**-2)
        weight = weights[rows, columns] / (root * root)
        weighted = weight * there
        total += weight
        sums[0] += weighted
        if right:
            x += np.float32(right) * weight
            xx += np.float32(right * right) * weight
            sums[1] += np.float32(right) * weighted
        if down:
            y += np.float32(down) * weight
            yy += np.float32(down * down) * weight
            sums[2] += np.float32(down) * weighted
        if right * down:
            xy += np.float32(right * down) * weight
    mean_x, mean_y = x / total, y / total
    a, b, c = xx - mean_x * x + SLOPE_RIDGE, xy - mean_x * y, yy - mean_y * y + SLOPE_RIDGE
    to_x, to_y = sums[1] - mean_x * sums[0], sums[2] - mean_y * sums[0]
    determinant = a * c - b * b
    slope = np.stack([(c * to_x - b * to_y) / determinant, (a * to_y - b * to_x) / determinant])
    return sums[0] / total - mean_x * slope[0] - mean_y * slope[1], slope
