"""Constant-velocity Kalman filters of many boxes at once, as pure functions of (mean, covariance).

Source: Wojke et al., "Simple online and realtime tracking with a deep association metric" (2017), whose
`kalman_filter.py` this follows function by function; centre, width and height as state, with noise in proportion to
width and height, from Aharon et al., "BoT-SORT" (2022).
We differ in layout alone. No noise term there couples the four coordinates, so the 8x8 covariance falls apart into
four 2x2 blocks, and what is a stack of matrix products there is elementwise arithmetic here: the same numbers, faster.

Shapes: mean (n, 2, 4), position and velocity of (cx, cy, w, h) in pixels and pixels per frame;
covariance (n, 3, 4), the distinct entries of each coordinate's block: var(position), cov(position, velocity),
var(velocity). Measurements are (n, 4) cxcywh.
"""

from __future__ import annotations

import numpy as np

from tasks.arrays import Floats

STD_POSITION = 1 / 20  # of width or height; deep_sort, _std_weight_position
STD_VELOCITY = 1 / 160  # of width or height, per frame; deep_sort, _std_weight_velocity
INITIAL_POSITION_FACTOR = 2  # times STD_POSITION at birth; deep_sort, initiate
INITIAL_VELOCITY_FACTOR = 10  # times STD_VELOCITY at birth; deep_sort, initiate
MIN_SIZE = 1.0  # px; below it a box has no scale to take the noise from

FilterState = tuple[Floats, Floats]
"""(mean, covariance)."""


def initiate(measurement: Floats) -> FilterState:
    """Filters of boxes seen for the first time, at rest."""
    scale = _noise_scale(measurement)
    mean = np.stack([measurement, np.zeros_like(measurement)], axis=1)
    variance = np.stack(
        [
            (INITIAL_POSITION_FACTOR * STD_POSITION * scale) ** 2,
            np.zeros_like(scale),
            (INITIAL_VELOCITY_FACTOR * STD_VELOCITY * scale) ** 2,
        ],
        axis=1,
    )
    return mean, variance


def predict(mean: Floats, covariance: Floats) -> FilterState:
    """One frame on: x + v, F P F' + Q."""
    scale = _noise_scale(mean[:, 0])
    moved = mean.copy()
    moved[:, 0] += mean[:, 1]
    np.maximum(moved[:, 0, 2:], MIN_SIZE, out=moved[:, 0, 2:])
    spread = covariance.copy()
    spread[:, 1] += covariance[:, 2]
    spread[:, 0] += covariance[:, 1] + spread[:, 1]
    spread[:, 0] += np.square(STD_POSITION * scale)
    spread[:, 2] += np.square(STD_VELOCITY * scale)
    return moved, spread


def update(mean: Floats, covariance: Floats, measurement: Floats, score: Floats | None = None) -> FilterState:
    """The state after seeing `measurement`: K = P H' / (H P H' + R), x + K y, P - K H P.

    With the detections' (n,) `score`, R is multiplied by 1 - score: what is sure counts more (Du et al., "GIAOTracker",
    2021, eq. 1, which StrongSORT keeps).
    """
    noise = np.square(STD_POSITION * _noise_scale(mean[:, 0]))
    if score is not None:
        noise = noise * (1 - score)[:, None]
    gain = covariance[:, :2] / (covariance[:, 0] + noise)[:, None]
    corrected = mean + gain * (measurement - mean[:, 0])[:, None]
    reduced = covariance.copy()
    reduced[:, :2] -= gain[:, :1] * covariance[:, :2]
    reduced[:, 2] -= gain[:, 1] * covariance[:, 1]
    return corrected, reduced


def compensate_camera(mean: Floats, covariance: Floats, place: Floats, turn: Floats) -> FilterState:
    """The state after the camera has moved: centres are at `place` (n, 2), and steps are turned by `turn` (n, 2, 2).

    Velocities turn with the steps, sizes grow by the root of the turn's determinant. BoT-SORT multiplies width and
    height by the turn itself, which agrees where things only grow and makes no sense for an upright box otherwise. What
    a turn of the camera couples between x and y is dropped: a degree couples 2 %.
    """
    growth = np.sqrt(np.abs(np.linalg.det(turn)))[:, None, None]
    moved, spread = mean * growth, covariance * growth**2
    moved[:, 0, :2] = place
    moved[:, 1, :2] = np.einsum("nij,nj->ni", turn, mean[:, 1, :2])
    spread[:, :, :2] = np.einsum("nij,nkj->nki", np.square(turn), covariance[:, :, :2])
    return moved, spread


def mahalanobis_distance(mean: Floats, covariance: Floats, measurement: Floats) -> Floats:
    """(n, m) squared Mahalanobis distance of each of m measurements from what each of n filters expects."""
    expected = mean[:, 0]
    variance = covariance[:, 0] + np.square(STD_POSITION * _noise_scale(expected))
    return (np.square(measurement - expected[:, None]) / variance[:, None]).sum(axis=2)


def _noise_scale(cxcywh: Floats) -> Floats:
    """(n, 4) what the noise of each coordinate is in proportion to: width for x, height for y."""
    size = np.maximum(cxcywh[:, 2:], MIN_SIZE)
    return np.concatenate([size, size], axis=1)
