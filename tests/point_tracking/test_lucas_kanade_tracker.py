"""Sparse Lucas-Kanade point tracking, on a textured image that is shifted from frame to frame."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest

from tasks.point_tracking.lucas_kanade_tracker import track_by_lucas_kanade
from tasks.point_tracking.point_tracker import PointTrackingInputs

FRAMES, SHIFT = 6, 3
POINTS = np.array([[60.0, 40.0], [90.0, 70.0]])


@pytest.fixture
def images() -> list[np.ndarray]:
    noise = np.random.default_rng(0).random((120, 160)).astype(np.float32)
    gray = cv2.normalize(cv2.GaussianBlur(noise, (0, 0), 2), None, 0, 255, cv2.NORM_MINMAX).astype(np.uint8)
    return [np.roll(np.repeat(gray[..., None], 3, 2), SHIFT * n, axis=1) for n in range(FRAMES)]


def make_inputs(images: list[Any], cut: int | None = None) -> PointTrackingInputs:
    cuts = np.zeros(FRAMES - 1, np.bool_)
    if cut is not None:
        cuts[cut] = True
    nothing: Any = None  # neither flow nor features are read
    return PointTrackingInputs(nothing, nothing, lambda frame: images[frame], cuts)


def expected_points(frame: int) -> np.ndarray:
    return POINTS + np.array([SHIFT * (frame - 2), 0])


def test_points_are_tracked_in_both_directions(images: list[Any]) -> None:
    tracks = track_by_lucas_kanade(make_inputs(images), 2, POINTS, FRAMES)
    assert tracks.visible.all() and (tracks.confidence == 1).all()
    np.testing.assert_allclose(tracks.positions, np.stack([expected_points(n) for n in range(FRAMES)]), atol=0.1)


def test_points_end_at_a_cut(images: list[Any]) -> None:
    tracks = track_by_lucas_kanade(make_inputs(images, cut=3), 2, POINTS, FRAMES)
    assert tracks.visible[:, 0].tolist() == [True, True, True, True, False, False]
    assert (tracks.confidence[4:] == 0).all() and (tracks.positions[4:] == tracks.positions[3]).all()


def test_a_frame_without_image_is_skipped(images: list[Any]) -> None:
    tracks = track_by_lucas_kanade(make_inputs([*images[:3], None, *images[4:]]), 2, POINTS, FRAMES)
    assert tracks.visible[:, 0].tolist() == [True, True, True, False, True, True]
    np.testing.assert_allclose(tracks.positions[5], expected_points(5), atol=0.1)


def test_points_on_a_blank_image_are_lost(images: list[Any]) -> None:
    blank = [images[0], images[1], images[2], *[np.full_like(images[0], 7)] * 3]
    tracks = track_by_lucas_kanade(make_inputs(blank), 2, POINTS, FRAMES)
    assert not tracks.visible[3:].any()
