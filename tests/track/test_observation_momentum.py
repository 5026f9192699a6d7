"""Heading on as before."""

from __future__ import annotations

import numpy as np
import pytest

from tasks.track.observation_momentum import DELTA_T, append_observation, direction_consistency


def remembered(points: list[tuple[int, float, float]]) -> np.ndarray:
    recent = None
    for frame, x, y in points:
        recent = append_observation(frame, np.array([[x, y]]), recent)
    assert recent is not None
    return recent


@pytest.mark.parametrize(
    ("x", "y", "expected"), [(10, 0, 0.5), (-10, 0, -0.5), (3, 8, 0.0), (3 + 4, 4, 0.25), (3 - 4, -4, -0.25)]
)
def test_straight_on_counts_half_and_back_minus_half(x: float, y: float, expected: float) -> None:
    recent = remembered([(f, f, 0) for f in range(4)])
    assert direction_consistency(recent, np.array([[x, y]]))[0, 0] == pytest.approx(expected)


def test_the_direction_is_that_over_the_last_frames_not_of_the_last_step() -> None:
    recent = remembered([(0, 0, 0), (1, 1, 0), (2, 2, 0), (3, 2.9, 0.5)])
    back, on = direction_consistency(recent, np.array([[2.9, 9.0], [9.0, 1.6]]))[0]
    assert on > 0.45 > back


def test_what_is_older_than_the_look_back_is_left_out() -> None:
    recent = remembered([(0, 0, 0), (50, 10, 0), (50 + DELTA_T, 10, 5)])
    assert direction_consistency(recent, np.array([[10.0, 9]]))[0, 0] == pytest.approx(0.5)


def test_a_track_seen_once_and_one_that_stands_still_have_no_direction() -> None:
    assert direction_consistency(remembered([(4, 7, 7)]), np.array([[9.0, 9]]))[0, 0] == 0
    assert direction_consistency(remembered([(4, 7, 7), (5, 7, 7)]), np.array([[9.0, 9]]))[0, 0] == 0
