"""Constant-velocity Kalman filters of many boxes at once, as pure functions of (mean, covariance).

Source: Wojke et al., "Simple online and realtime tracking with a deep association metric" (2017), whose
`kalman_filter.py` this follows function by function; the state is centre, width and height, with noise in proportion to
width and height, from Aharon et al., "BoT-SORT" (2022), or DeepSORT's own (box_state.py).
We differ in layout, and in that a prediction may span more or less than the usual interval between frames, at
variable frame rates. No noise term there couples the four coordinates, so the 8x8 covariance is block-diagonal
with four 2x2 blocks, and the matrix products there are elementwise arithmetic here: the same numbers, faster.

The filters' noise is per frame at every frame rate: scaling it to seconds was no better at 7 to 30 frames per second.

Shapes: mean (n, 2, 4), position and velocity of (cx, cy, w, h) or (cx, cy, w / h, h) in pixels and pixels per usual
interval;
covariance (n, 3, 4), the distinct entries of each coordinate's block: var(position), cov(position, velocity),
var(velocity). Measurements are (n, 4), as BoxState.from_xyxy gives them.
"""

from __future__ import annotations

import numpy as np

from tasks.arrays import Floats, Points
from tasks.track.box_state import (
    ASPECT_STD,
    ASPECT_VELOCITY_STD,
    MEASURED_ASPECT_STD,
    SIZE_STATE,
    BoxState,
)

STD_POSITION = 1 / 20  # of width or height; deep_sort, _std_weight_position
STD_VELOCITY = 1 / 160  # of width or height, per frame; deep_sort, _std_weight_velocity
INITIAL_POSITION_FACTOR = 2  # times STD_POSITION, at the start; deep_sort, initiate
INITIAL_VELOCITY_FACTOR = 10  # times STD_VELOCITY, at the start; deep_sort, initiate

FilterState = tuple[Floats, Floats]
"""(mean, covariance)."""


def initiate(measurement: Floats, box: BoxState = SIZE_STATE) -> FilterState:
    """States of filters that start at (n, 4) boxes, with velocity 0."""
    position = box.scale_noise(measurement, INITIAL_POSITION_FACTOR * STD_POSITION, ASPECT_STD)
    velocity = box.scale_noise(measurement, INITIAL_VELOCITY_FACTOR * STD_VELOCITY, ASPECT_VELOCITY_STD)
    mean = np.stack([measurement, np.zeros_like(measurement)], axis=1)
    return mean, np.stack([position**2, np.zeros_like(position), velocity**2], axis=1)


def predict(mean: Floats, covariance: Floats, step: float = 1.0, box: BoxState = SIZE_STATE) -> FilterState:
    """States predicted for the next frame, `step` usual intervals later: x + step v, F P F' + step Q."""
    moved = mean.copy()
    moved[:, 0] += step * mean[:, 1]
    box.clip_sizes(moved[:, 0])
    predicted = covariance.copy()
    predicted[:, 1] += step * covariance[:, 2]
    predicted[:, 0] += step * (covariance[:, 1] + predicted[:, 1])
    predicted[:, 0] += step * np.square(box.scale_noise(mean[:, 0], STD_POSITION, ASPECT_STD))
    predicted[:, 2] += step * np.square(box.scale_noise(mean[:, 0], STD_VELOCITY, ASPECT_VELOCITY_STD))
    return moved, predicted


def update(
    mean: Floats, covariance: Floats, measurement: Floats, score: Floats | None = None, box: BoxState = SIZE_STATE
) -> FilterState:
    """States updated with `measurement`: K = P H' / (H P H' + R), x + K y, P - K H P.

    With the detections' (n,) `score`, R is multiplied by 1 - score, so that a high score counts more: the noise scale
    adaptive Kalman filter (Du et al., "GIAOTracker", 2021, eq. 1, which StrongSORT keeps).
    """
    noise = np.square(box.scale_noise(mean[:, 0], STD_POSITION, MEASURED_ASPECT_STD))
    if score is not None:
        noise = noise * (1 - score)[:, None]
    gain = covariance[:, :2] / (covariance[:, 0] + noise)[:, None]
    corrected = mean + gain * (measurement - mean[:, 0])[:, None]
    reduced = covariance.copy()
    reduced[:, :2] -= gain[:, :1] * covariance[:, :2]
    reduced[:, 2] -= gain[:, 1] * covariance[:, 1]
    return corrected, reduced


def compensate_camera(
    mean: Floats, covariance: Floats, centre: Points, jacobian: Floats, box: BoxState = SIZE_STATE
) -> FilterState:
    """States after the camera has moved, from (n, 2) new centres and (n, 2, 2) Jacobians of the motion there.

    Velocities are multiplied by the Jacobian, sizes by the root of its determinant; an aspect ratio stays. BoT-SORT
    multiplies width and height by the affine matrix itself, which is the same under pure scaling and meaningless for an
    upright box otherwise. The correlation of x and y that a rotation causes is dropped: one degree causes 2 %.
    """
    scale = np.sqrt(np.abs(np.linalg.det(jacobian)))[:, None, None]
    moved, scaled = mean * scale, covariance * scale**2
    if box.kind == "aspect":
        moved[:, :, 2], scaled[:, :, 2] = mean[:, :, 2], covariance[:, :, 2]
    moved[:, 0, :2] = centre
    moved[:, 1, :2] = np.einsum("nij,nj->ni", jacobian, mean[:, 1, :2])
    scaled[:, :, :2] = np.einsum("nij,nkj->nki", np.square(jacobian), covariance[:, :, :2])
    return moved, scaled


def mahalanobis_distance(mean: Floats, covariance: Floats, measurement: Floats, box: BoxState = SIZE_STATE) -> Floats:
    """(n, m) squared Mahalanobis distance of each of m measurements from the predictions of n filters."""
    predicted = mean[:, 0]
    variance = covariance[:, 0] + np.square(box.scale_noise(predicted, STD_POSITION, MEASURED_ASPECT_STD))
    return (np.square(measurement - predicted[:, None]) / variance[:, None]).sum(axis=2)
