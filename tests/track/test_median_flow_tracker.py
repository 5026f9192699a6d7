"""Median Flow, on textured images whose motion is known."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from tasks.track.median_flow_tracker import move_box

BOX = np.array([60.0, 40.0, 100.0, 80.0])


@pytest.fixture
def image() -> np.ndarray:
    noise = np.random.default_rng(0).random((120, 160)).astype(np.float32)
    return cv2.normalize(cv2.GaussianBlur(noise, (0, 0), 2), None, 0, 255, cv2.NORM_MINMAX).astype(np.uint8)


@pytest.mark.parametrize(("scale", "shift"), [(1.0, (5.0, -3.0)), (1.1, (0.0, 0.0)), (0.9, (4.0, 2.0))])
def test_a_box_moves_and_scales_with_its_points(image: np.ndarray, scale: float, shift: tuple[float, float]) -> None:
    centre = (BOX[:2] + BOX[2:]) / 2
    offset = centre + shift - scale * centre
    matrix = np.array([[scale, 0, offset[0]], [0, scale, offset[1]]])
    moved = move_box(image, cv2.warpAffine(image, matrix, (160, 120)), BOX)
    expected = np.concatenate([centre + shift - scale * 20, centre + shift + scale * 20])
    assert moved is not None
    np.testing.assert_allclose(moved, expected, atol=1)


def test_a_box_without_texture_is_lost(image: np.ndarray) -> None:
    assert move_box(np.full_like(image, 7), np.full_like(image, 7), BOX) is None
    assert move_box(image, np.full_like(image, 7), BOX) is None


def test_a_box_that_leaves_the_image_is_lost(image: np.ndarray) -> None:
    outside = BOX + np.array([200, 0, 200, 0])
    assert move_box(image, image, outside) is None
