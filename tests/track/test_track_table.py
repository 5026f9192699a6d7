"""Smoothing against filterpy's smoother and against the dense equations; filling against straight lines."""

from __future__ import annotations

import numpy as np
import pytest
from filterpy.kalman import KalmanFilter
from hypothesis import given
from hypothesis import strategies as st

from tasks.geometry.bounding_boxes import xyxy_to_cxcywh
from tasks.track.track_table import smooth_path, smooth_whittaker, smoothing_weight

RANDOM = np.random.default_rng(11)


def test_it_is_the_kalman_smoother_of_a_constant_velocity_model() -> None:
    z, smoothing = np.cumsum(RANDOM.normal(1, 1, 40)), 20.0
    f = KalmanFilter(dim_x=2, dim_z=1)
    f.F, f.H = np.array([[1.0, 1], [0, 1]]), np.array([[1.0, 0]])
    f.P, f.R, f.Q = np.eye(2) * 1e9, np.eye(1), np.diag([0, 1 / smoothing])
    f.x = np.zeros((2, 1))
    f.update(z[:1])
    means, covariances = [f.x], [f.P]
    for value in z[1:]:
        f.predict()
        f.update(value)
        means.append(f.x)
        covariances.append(f.P)
    expected = f.rts_smoother(np.array(means), np.array(covariances))[0][:, 0, 0]
    np.testing.assert_allclose(
        smooth_whittaker(z[:, None], np.ones(40), smoothing, np.arange(40.0))[:, 0], expected, atol=1e-4
    )


@given(st.integers(3, 30), st.floats(0.01, 1e4), st.integers(0, 2**32 - 1))
def test_it_solves_the_equations_it_claims_to(n: int, smoothing: float, seed: int) -> None:
    random = np.random.default_rng(seed)
    z, weight = random.normal(0, 100, (n, 2)), random.uniform(0.1, 1, n)
    second = np.diff(np.eye(n), n=2, axis=0)
    expected = np.linalg.solve(np.diag(weight) + smoothing * second.T @ second, weight[:, None] * z)
    np.testing.assert_allclose(smooth_whittaker(z, weight, smoothing, np.arange(float(n))), expected, atol=1e-6)


def test_a_straight_walk_with_a_gap_comes_back_exactly() -> None:
    whole = np.linspace([0.0, 0, 40, 80], [58.0, 29, 98, 109], 30)
    time = np.array([*range(10), *range(20, 30)], np.int32)
    for smoothing in (0.0, 100.0):
        path = smooth_path(time, whole[time], np.full(20, 0.5, np.float32), smoothing, np.arange(30.0))
        np.testing.assert_allclose(path, whole, atol=1e-6)


def test_jitter_gets_smaller_and_weak_detections_pull_less() -> None:
    truth = np.tile([100.0, 100, 140, 200], (60, 1))
    noisy, time, score = truth + RANDOM.normal(0, 3, truth.shape), np.arange(60, dtype=np.int32), np.full(60, 0.9)
    smooth = smooth_path(time, noisy, score.astype(np.float32), 100.0, np.arange(60.0))
    assert np.abs(smooth - truth).mean() < np.abs(noisy - truth).mean() / 2
    noisy[30] += 50
    weak = np.where(np.arange(60) == 30, 0.1, 0.9)
    pulls = [
        smooth_path(time, noisy, s.astype(np.float32), 100.0, np.arange(60.0))[30, 0] - smooth[30, 0]
        for s in (score, weak)
    ]
    assert 0 < pulls[1] < pulls[0] / 3


@given(st.integers(0, 2**32 - 1), st.sampled_from([0.0, 1.0, 100.0, 1e5]))
def test_boxes_never_turn_inside_out(seed: int, smoothing: float) -> None:
    random = np.random.default_rng(seed)
    time = np.flatnonzero(np.append(True, random.uniform(size=40) < 0.3)).astype(np.int32)
    corner = random.uniform(0, 100, (len(time), 2))
    boxes = np.concatenate([corner, corner + random.uniform(0, 50, (len(time), 2))], axis=1)
    path = smooth_path(
        time, boxes, random.uniform(0, 1, len(time)).astype(np.float32), smoothing, np.arange(time[-1] + 1.0)
    )
    assert path.shape == (time[-1] + 1, 4)
    assert (xyxy_to_cxcywh(path)[:, 2:] >= 0).all()


@pytest.mark.parametrize("n", [1, 2])
def test_too_short_to_smooth_stays_as_it_is(n: int) -> None:
    boxes = np.tile(RANDOM.uniform(0, 9, (n, 2)), 2)
    np.testing.assert_array_equal(
        smooth_path(np.arange(n, dtype=np.int32), boxes, np.ones(n, np.float32), 100.0, np.arange(float(n))), boxes
    )


def test_a_variable_frame_rate_gives_the_path_of_the_same_times() -> None:
    """Every second frame of a regular film, dropped for a while, changes a straight walk nowhere."""
    clock = np.concatenate([np.arange(10.0), np.arange(10.0, 30.0, 2), np.arange(30.0, 40.0)])
    whole = np.linspace([0.0, 0, 40, 80], [78.0, 39, 118, 119], 40)[clock.astype(int)]
    seen = np.delete(np.arange(len(clock), dtype=np.int32), slice(12, 17))
    for smoothing in (0.0, 100.0):
        path = smooth_path(seen, whole[seen], np.ones(len(seen), np.float32), smoothing, clock)
        np.testing.assert_allclose(path, whole, atol=1e-6)


def test_motion_of_the_given_period_keeps_half_its_amplitude_at_every_frame_rate() -> None:
    for rate in (10, 30, 60):
        pts_s = np.arange(20 * rate) / rate
        wave = np.sin(2 * np.pi * pts_s / 0.8)[:, None]
        smooth = smooth_whittaker(wave, np.ones(len(wave)), smoothing_weight(0.8, pts_s), np.arange(len(wave)) * 1.0)
        middle = slice(5 * rate, 15 * rate)
        assert np.abs(smooth[middle]).max() / np.abs(wave[middle]).max() == pytest.approx(0.5, abs=0.05)
