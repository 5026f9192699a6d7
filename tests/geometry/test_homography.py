from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.geometry.homography import compute_camera_flow, estimate_camera_motion

unhurried = settings(deadline=None)  # no time is asserted in tests

HEIGHT, WIDTH = 180, 320
CORNERS = np.array([[[0, 0], [WIDTH - 1, 0], [WIDTH - 1, HEIGHT - 1], [0, HEIGHT - 1]]], np.float64)
EVERYWHERE = np.ones((HEIGHT, WIDTH), bool)


def camera(turn_deg: float, zoom: float, x: float, y: float, tilt: float) -> np.ndarray:
    """Rotation and zoom about the centre, a shift, and a little perspective."""
    matrix = np.eye(3)
    matrix[:2] = cv2.getRotationMatrix2D((WIDTH / 2, HEIGHT / 2), turn_deg, zoom)
    matrix[:2, 2] += x, y
    matrix[2, 0] = tilt
    return matrix


def corner_error(first: np.ndarray, second: np.ndarray) -> float:
    """Distance between where two homographies take the corners of the frame, in pixels, at most."""
    moved = (cv2.perspectiveTransform(CORNERS, homography) for homography in (first, second))
    return float(np.linalg.norm(np.subtract(*moved), axis=2).max())


cameras = st.builds(
    camera, st.floats(-5, 5), st.floats(0.95, 1.05), st.floats(-10, 10), st.floats(-10, 10), st.floats(-1e-4, 1e-4)
)


@unhurried
@given(cameras, st.integers(0, 2**32 - 1))
def test_the_camera_is_found_though_a_third_of_the_frame_moves_by_itself(truth, seed):
    random = np.random.default_rng(seed)
    flow = compute_camera_flow(truth, HEIGHT, WIDTH) + random.normal(0, 0.1, (HEIGHT, WIDTH, 2)).astype(np.float32)
    flow[40:160, 60:220] += (8, -5)
    found = estimate_camera_motion(flow, EVERYWHERE)
    assert corner_error(found.homography, truth) < 0.5
    assert 0.6 < found.inliers < 0.75


@unhurried
@given(cameras)
def test_camera_flow_carries_pixels_as_the_homography_does(truth):
    flow = compute_camera_flow(truth, HEIGHT, WIDTH)
    for x, y in ((0, 0), (319, 0), (100, 170)):
        expected = cv2.perspectiveTransform(np.array([[[x, y]]], np.float64), truth)[0, 0]
        np.testing.assert_allclose(flow[y, x] + (x, y), expected, atol=1e-4)


def test_boxes_left_out_free_the_camera_from_what_fills_most_of_the_frame():
    truth = camera(0, 1, 3, 1, 0)
    flow = compute_camera_flow(truth, HEIGHT, WIDTH)
    flow[:, :240] = (-9, 0)
    assert corner_error(estimate_camera_motion(flow, EVERYWHERE).homography, truth) > 5
    found = estimate_camera_motion(flow, EVERYWHERE, exclude_boxes=[(0, 0, 120, HEIGHT), (120, 0, 240, HEIGHT)])
    assert corner_error(found.homography, truth) < 0.1
    assert found.inliers > 0.95


def test_vectors_that_are_not_valid_are_not_looked_at():
    truth = camera(1, 1, -4, 2, 0)
    flow = compute_camera_flow(truth, HEIGHT, WIDTH)
    flow[:, 100:] = 50
    valid = EVERYWHERE.copy()
    valid[:, 100:] = False
    assert corner_error(estimate_camera_motion(flow, valid).homography, truth) < 0.5


@pytest.mark.parametrize("exclude_boxes", [None, [(-10, -10, 1000, 1000)]])
def test_with_nothing_to_look_at_the_camera_stands_still_and_says_so(exclude_boxes):
    valid = EVERYWHERE if exclude_boxes else ~EVERYWHERE
    found = estimate_camera_motion(np.full((HEIGHT, WIDTH, 2), 7, np.float32), valid, exclude_boxes)
    np.testing.assert_array_equal(found.homography, np.eye(3))
    assert found.inliers == 0


def test_a_still_scene_gives_the_identity_with_full_support():
    found = estimate_camera_motion(np.zeros((HEIGHT, WIDTH, 2), np.float32), EVERYWHERE)
    np.testing.assert_allclose(found.homography, np.eye(3), atol=1e-9)
    assert found.inliers == 1


def test_the_same_flow_gives_the_same_numbers():
    flow = np.random.default_rng(3).normal(0, 3, (HEIGHT, WIDTH, 2)).astype(np.float32)
    first, second = (estimate_camera_motion(flow, EVERYWHERE).homography for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_a_frame_of_a_few_pixels_is_no_error():
    assert estimate_camera_motion(np.zeros((3, 4, 2), np.float32), np.ones((3, 4), bool)).inliers == 0


def test_the_cameras_flow_in_a_part_of_the_picture_is_that_part_of_the_whole() -> None:
    part = slice(7, 30), slice(21, 50)
    truth = np.array([[1.02, 0.01, -1.5], [-0.01, 1.02, 0.7], [1e-5, 0, 1]])
    whole = compute_camera_flow(truth, HEIGHT, WIDTH)
    assert np.array_equal(compute_camera_flow(truth, HEIGHT, WIDTH, part), whole[part])
