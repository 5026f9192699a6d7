from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.geometry.homography import compute_camera_flow, fit_camera_homography
from tasks.geometry.lucas_kanade import detect_corners, track_points

HEIGHT, WIDTH = 120, 160


@pytest.fixture(scope="module")
def texture() -> np.ndarray:
    """Structure of all sizes, as real scenes have it: a pyramid finds its way down by the coarse one."""
    noise = np.random.default_rng(0).normal(size=(HEIGHT + 80, WIDTH + 80))
    scales = [size * cv2.GaussianBlur(noise, (0, 0), size) for size in (2, 6, 18)]
    return cv2.normalize(np.sum(scales, axis=0), None, 0, 255, cv2.NORM_MINMAX).astype(np.uint8)


def view(texture: np.ndarray, x: float, y: float) -> np.ndarray:
    """The texture seen with its content moved by (x, y) pixels."""
    shift = np.array([[1, 0, x - 40], [0, 1, y - 40]], np.float64)
    return cv2.warpAffine(texture, shift, (WIDTH, HEIGHT), flags=cv2.INTER_CUBIC)


@settings(deadline=None, max_examples=25)
@given(st.floats(-10, 10), st.floats(-10, 10))
def test_points_follow_a_translation_to_a_fraction_of_a_pixel(texture, x, y):
    first, second = view(texture, 0, 0), view(texture, x, y)
    points = detect_corners(first, 100)
    found = track_points(first, second, points)
    assert len(found.index) > 30
    np.testing.assert_array_equal(found.first, points[found.index])
    assert np.median(np.linalg.norm(found.second - found.first - (x, y), axis=1)) < 0.1


def test_points_that_leave_the_image_are_dropped(texture):
    first, second = view(texture, 0, 0), view(texture, 30, 0)
    points = detect_corners(first, 200)
    found = track_points(first, second, points)
    assert (found.second[:, 0] <= WIDTH - 1).all()
    assert not (np.isin(np.flatnonzero(points[:, 0] > WIDTH - 20), found.index)).any()


def test_points_that_get_covered_are_dropped(texture):
    first = view(texture, 0, 0)
    second = first.copy()
    second[30:90, 40:100] = 128
    points = detect_corners(first, 200)
    found = track_points(first, second, points)
    covered = ((points > (50, 40)) & (points < (90, 80))).all(axis=1)
    assert covered.sum() > 5
    assert np.isin(np.flatnonzero(covered), found.index).mean() < 0.2
    assert np.isin(np.flatnonzero((points[:, 0] < 20) | (points[:, 0] > 120)), found.index).mean() > 0.9


def test_points_tell_the_camera(texture):
    first, second = view(texture, 0, 0), view(texture, 4, -3)
    second[:60, :60] = first[:60, :60]
    found = track_points(first, second, detect_corners(first, 200))
    camera = fit_camera_homography(found.first, found.second)
    flow = compute_camera_flow(camera.homography, HEIGHT, WIDTH)
    np.testing.assert_allclose(np.median(flow, axis=(0, 1)), (4, -3), atol=0.1)
    assert 0.5 < camera.inliers < 1


def test_a_mask_says_where_to_look(texture):
    where = np.zeros((HEIGHT, WIDTH), bool)
    where[:, :50] = True
    points = detect_corners(view(texture, 0, 0), 50, where)
    assert len(points) > 10
    assert (points[:, 0] < 50).all()


def test_a_flat_image_has_no_points_and_following_none_gives_none():
    flat = np.full((HEIGHT, WIDTH), 90, np.uint8)
    points = detect_corners(flat, 50)
    assert points.shape == (0, 2)
    assert track_points(flat, flat, points).index.shape == (0,)
