"""Smoothing of keypoints over time: a forward Kalman filter and a Rauch-Tung-Striebel smoother (1965).

The whole video is available, so smoothing need not be causal: One Euro (Casiez et al., 2012) and other online filters
delay fast motion, which shifts every step and every peak of an angle in time. The model is a point with white
acceleration noise and white measurement noise; filter and smoother together have the zero-phase response
1 / (1 + (f / cutoff)^4), that of a second-order Butterworth filter run forwards and backwards, the usual one in gait
laboratories (Winter, 2009, Biomechanics and Motor Control of Human Movement, 2.4.4). Unlike that filter it supports
irregular times, gaps, and weights: a keypoint of score s has the variance 1 / s^2, in units that cancel out.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tasks.arrays import Floats
from tasks.estimate_pose.pose_segments import bridge_gaps

PRIOR_STD = 1e4  # standard deviation of the initial position, px, and velocity, px/s: larger than any image


def smooth_keypoints(
    time_s: Floats, xy: Floats, score: Floats, trusted: NDArray[np.bool_], *, cutoff_hz: float, bridge_s: float
) -> Floats:
    """(t, k, 2) smoothed points of one person: NaN before the first and after the last trusted one and in long gaps.

    `time_s` (t,) increases, `score` and `trusted` are (t, k); gaps of up to `bridge_s` between trusted points are
    bridged.
    """
    known = bridge_gaps(time_s, trusted, bridge_s)
    if len(time_s) < 2:  # noqa: PLR2004  a velocity needs two times
        return np.where(known[..., None], xy, np.nan)
    step = float(np.median(np.diff(time_s)))
    power = (2 * np.pi * cutoff_hz) ** 4 * step  # of the acceleration: the cutoff in radians = (power / (r step))^(1/4)
    precision = np.where(trusted, score**2, 0.0)
    return np.where(known[..., None], _smooth_backward(*_filter_forward(time_s, xy, precision, power)), np.nan)


def _filter_forward(
    time_s: Floats, xy: Floats, precision: Floats, power: float
) -> tuple[Floats, Floats, Floats, Floats, Floats]:
    """Filtered state and covariance, predicted state and covariance, and the time steps, of the Kalman filter.

    States are (t, k, 2, 2): position and velocity, then x and y; covariances (t, k, 2, 2) serve both axes.
    """
    count, points = precision.shape
    state, covariance = np.zeros((count, points, 2, 2)), np.zeros((count, points, 2, 2))
    ahead, ahead_covariance = np.zeros_like(state), np.zeros_like(covariance)
    steps = np.diff(time_s, prepend=time_s[0])
    ahead[0, :, 0] = xy[0]
    ahead_covariance[0] = np.eye(2) * PRIOR_STD**2
    for t in range(count):
        if t:
            move = np.array([[1, steps[t]], [0, 1]])
            ahead[t] = move @ state[t - 1]
            ahead_covariance[t] = move @ covariance[t - 1] @ move.T + power * _process_noise(steps[t])
        # Kalman update with the precision of the measurement, which is 0 without a measurement.
        before = ahead_covariance[t]
        gain = before[..., 0] * (precision[t] / (1 + precision[t] * before[:, 0, 0]))[:, None]  # k, 2
        state[t] = ahead[t] + gain[..., None] * (xy[t] - ahead[t, :, 0])[:, None, :]
        covariance[t] = before - gain[..., None] * before[:, :1, :]
    return state, covariance, ahead, ahead_covariance, steps


def _smooth_backward(
    state: Floats, covariance: Floats, ahead: Floats, ahead_covariance: Floats, steps: Floats
) -> Floats:
    """(t, k, 2) positions of the Rauch-Tung-Striebel smoother (backward pass)."""
    smoothed = state.copy()
    for t in range(len(state) - 2, -1, -1):
        move = np.array([[1, steps[t + 1]], [0, 1]])
        back = covariance[t] @ move.T @ np.linalg.inv(ahead_covariance[t + 1])
        smoothed[t] += back @ (smoothed[t + 1] - ahead[t + 1])
    return smoothed[..., 0, :]


def _process_noise(step: float) -> Floats:
    """Covariance that white acceleration of unit power adds in `step` seconds (Bar-Shalom et al., 2001, 6.2.2)."""
    return np.array([[step**3 / 3, step**2 / 2], [step**2 / 2, step]])
