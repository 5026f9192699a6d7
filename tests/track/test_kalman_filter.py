"""The batched filter against filterpy's, which knows nothing of blocks, batches or boxes."""

from __future__ import annotations

import numpy as np
import pytest
from filterpy.kalman import KalmanFilter
from hypothesis import given
from hypothesis import strategies as st

from tasks.track import kalman_filter

RANDOM = np.random.default_rng(3)


def textbook(measurement: np.ndarray) -> KalmanFilter:
    """An 8-state constant-velocity filter, noise as BoT-SORT writes it down: in matrices."""
    f = KalmanFilter(dim_x=8, dim_z=4)
    f.F = np.eye(8) + np.eye(8, k=4)
    f.H = np.eye(4, 8)
    f.x = np.append(measurement, np.zeros(4)).reshape(8, 1)
    w, h = measurement[2:]
    first = [2 / 20 * s for s in (w, h, w, h)] + [10 / 160 * s for s in (w, h, w, h)]
    f.P = np.diag(np.square(first))
    return f


def scale_noise(f: KalmanFilter) -> None:
    w, h = f.x[2, 0], f.x[3, 0]
    f.Q = np.diag(np.square([s / 20 for s in (w, h, w, h)] + [s / 160 for s in (w, h, w, h)]))
    f.R = np.diag(np.square([s / 20 for s in (w, h, w, h)]))


def test_a_hundred_frames_with_misses_agree_with_filterpy() -> None:
    boxes = RANDOM.uniform([0, 0, 20, 40], [600, 400, 80, 160], (5, 4))
    mean, covariance = kalman_filter.initiate(boxes)
    references = [textbook(box) for box in boxes]
    for _ in range(100):
        mean, covariance = kalman_filter.predict(mean, covariance)
        for f in references:
            scale_noise(f)
            f.predict()
            scale_noise(f)
        seen = np.flatnonzero(RANDOM.uniform(size=5) > 0.3)
        boxes = boxes + np.array([2, -1, 0.05, 0.1]) + RANDOM.normal(0, 1, boxes.shape)
        mean[seen], covariance[seen] = kalman_filter.update(mean[seen], covariance[seen], boxes[seen])
        for i in seen:
            references[i].update(boxes[i])
        np.testing.assert_allclose(mean.reshape(5, 8), [f.x.ravel() for f in references], rtol=1e-9, atol=1e-7)
        for k, (row, column) in enumerate(((0, 0), (0, 4), (4, 4))):
            expected = [np.diag(f.P[row : row + 4, column : column + 4]) for f in references]
            np.testing.assert_allclose(covariance[:, k], expected, rtol=1e-9)


def test_the_surer_a_detection_the_more_it_corrects_and_certainty_is_taken_as_it_is() -> None:
    box, seen = np.array([[50.0, 60, 30, 80]] * 3), np.array([[54.0, 62, 31, 81]] * 3)
    scores = np.array([0.0, 0.6, 1.0])
    mean, covariance = kalman_filter.update(*kalman_filter.predict(*kalman_filter.initiate(box)), seen, scores)
    for row, score in enumerate(scores):
        f = textbook(box[row])
        scale_noise(f)
        f.predict()
        scale_noise(f)
        f.R = f.R * (1 - score)
        f.update(seen[row])
        np.testing.assert_allclose(mean[row].ravel(), f.x.ravel(), rtol=1e-9)
        np.testing.assert_allclose(covariance[row, 0], np.diag(f.P)[:4], rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(mean[2, 0], seen[2])
    plain = kalman_filter.update(*kalman_filter.predict(*kalman_filter.initiate(box[:1])), seen[:1])
    np.testing.assert_array_equal(mean[:1], plain[0])


def test_nothing_outside_the_blocks_is_lost() -> None:
    f = textbook(np.array([50.0, 60, 30, 80]))
    for _ in range(10):
        scale_noise(f)
        f.predict()
        f.update([52.0, 61, 31, 79])
    block = np.eye(8, dtype=bool) | np.eye(8, k=4, dtype=bool) | np.eye(8, k=-4, dtype=bool)
    assert np.abs(f.P[~block]).max() < 1e-12


@given(st.integers(1, 6), st.integers(0, 2**32 - 1))
def test_a_row_does_not_feel_the_others(n: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    boxes = random.uniform(1, 500, (n, 4))
    seen = boxes + random.normal(0, 5, boxes.shape)
    together = kalman_filter.update(*kalman_filter.predict(*kalman_filter.initiate(boxes)), seen)
    alone = [
        kalman_filter.update(*kalman_filter.predict(*kalman_filter.initiate(boxes[i : i + 1])), seen[i : i + 1])
        for i in range(n)
    ]
    np.testing.assert_array_equal(together[0], np.concatenate([mean for mean, _ in alone]))
    np.testing.assert_array_equal(together[1], np.concatenate([covariance for _, covariance in alone]))


@given(st.lists(st.floats(0, 1000), min_size=4, max_size=4))
def test_uncertainty_grows_without_and_shrinks_with_a_detection(box: list[float]) -> None:
    state = kalman_filter.initiate(np.array([box]))
    predicted = kalman_filter.predict(*state)
    updated = kalman_filter.update(*predicted, np.array([box]))
    assert (predicted[1][:, 0] > state[1][:, 0]).all()
    assert (updated[1][:, [0, 2]] <= predicted[1][:, [0, 2]]).all()
    assert (updated[1][:, [0, 2]] > 0).all()


def test_predictions_leave_their_inputs_as_they_were() -> None:
    mean, covariance = kalman_filter.initiate(np.array([[10.0, 20, 30, 40]]))
    before = mean.copy(), covariance.copy()
    kalman_filter.predict(mean, covariance)
    kalman_filter.update(mean, covariance, np.array([[11.0, 21, 31, 41]]))
    np.testing.assert_array_equal(mean, before[0])
    np.testing.assert_array_equal(covariance, before[1])


@pytest.mark.parametrize("n", [0, 1])
def test_no_tracks_are_a_batch_too(n: int) -> None:
    mean, covariance = kalman_filter.predict(*kalman_filter.initiate(np.ones((n, 4))))
    assert (mean.shape, covariance.shape) == ((n, 2, 4), (n, 3, 4))
