"""The two states of a filter: conversions, and the noise of an aspect ratio as DeepSORT has it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.evaluate.ultralytics_trackers import provide_lap
from tasks.track import kalman_filter
from tasks.track.box_state import ASPECT_STATE, SIZE_STATE, BoxState
from tasks.yolo.ultralytics_import import import_ultralytics

BOXES = np.array([[10.0, 20, 40, 110], [300, 50, 330, 140]])


@given(st.sampled_from([SIZE_STATE, ASPECT_STATE]), st.floats(1, 500), st.floats(1, 500))
def test_a_box_comes_back_as_it_was(state: BoxState, width: float, height: float) -> None:
    xyxy = np.array([[5.0, 7, 5 + width, 7 + height]])
    np.testing.assert_allclose(state.to_xyxy(state.from_xyxy(xyxy)), xyxy, atol=1e-9)


def test_a_box_without_height_stays_finite() -> None:
    flat = np.array([[5.0, 7, 9, 7]])
    assert np.isfinite(ASPECT_STATE.from_xyxy(flat)).all()


def test_the_filter_with_an_aspect_ratio_is_that_of_the_reference() -> None:
    import_ultralytics()
    provide_lap()
    from ultralytics.trackers.utils.kalman_filter import KalmanFilterXYAH

    reference = KalmanFilterXYAH()
    random = np.random.default_rng(0)
    state = kalman_filter.initiate(ASPECT_STATE.from_xyxy(BOXES), ASPECT_STATE)
    expected = [reference.initiate(one) for one in ASPECT_STATE.from_xyxy(BOXES)]
    for frame in range(1, 12):
        state = kalman_filter.predict(*state, box=ASPECT_STATE)
        seen = ASPECT_STATE.from_xyxy(BOXES + 3 * frame + random.normal(0, 2, BOXES.shape))
        state = kalman_filter.update(*state, seen, box=ASPECT_STATE)
        expected = [reference.update(*reference.predict(*one), box) for one, box in zip(expected, seen, strict=True)]
        for row, (mean, covariance) in enumerate(expected):
            assert state[0][row].reshape(-1) == pytest.approx(mean)
            blocks = covariance[[range(4), range(4), range(4, 8)], [range(4), range(4, 8), range(4, 8)]]
            assert state[1][row] == pytest.approx(blocks)


def test_a_camera_that_comes_nearer_leaves_the_aspect_ratio_as_it_is() -> None:
    mean, covariance = kalman_filter.initiate(ASPECT_STATE.from_xyxy(BOXES), ASPECT_STATE)
    nearer = np.tile(2 * np.eye(2), (2, 1, 1))
    moved, _ = kalman_filter.compensate_camera(mean, covariance, 2 * mean[:, 0, :2], nearer, ASPECT_STATE)
    np.testing.assert_allclose(ASPECT_STATE.to_xyxy(moved[:, 0]), 2 * BOXES)
