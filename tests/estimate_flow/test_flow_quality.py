from __future__ import annotations

import cv2
import numpy as np
import pytest

from tasks.artifacts.flow_encoding import FlowEncoding
from tasks.estimate_flow.flow_quality import PhotometricError, assess_flow_pair, compute_photometric_error, is_scene_cut

EVERYWHERE = np.ones((96, 128), bool)


@pytest.fixture
def gray(view) -> np.ndarray:
    return cv2.cvtColor(view(), cv2.COLOR_RGB2GRAY)


def test_an_image_is_like_itself(gray):
    assert compute_photometric_error(gray, gray, EVERYWHERE) == PhotometricError(0, 0)


def test_mismatch_is_the_root_of_one_minus_pearsons_correlation(gray):
    other = np.random.default_rng(0).integers(0, 256, gray.shape, np.uint8)
    where = np.random.default_rng(1).uniform(size=gray.shape) > 0.3
    found = compute_photometric_error(gray, other, where)
    a, b = gray[where].astype(float), other[where].astype(float)
    assert found.error == pytest.approx(np.abs(a - b).mean())
    assert found.mismatch == pytest.approx(np.sqrt(1 - np.corrcoef(a, b)[0, 1]), rel=1e-4)


def test_brightness_and_contrast_change_the_error_and_not_the_mismatch(gray):
    found = compute_photometric_error(gray, (gray // 2 + 20).astype(np.uint8), EVERYWHERE)
    assert found.error > 20
    assert found.mismatch < 0.05


def test_only_the_given_pixels_are_compared(gray):
    other = gray.copy()
    other[:, :50] = 0
    where = EVERYWHERE.copy()
    where[:, :50] = False
    assert compute_photometric_error(gray, other, where).error == 0


@pytest.mark.parametrize("value", [0, 200])
def test_an_image_without_contrast_is_like_nothing(gray, value):
    assert compute_photometric_error(gray, np.full_like(gray, value), EVERYWHERE).mismatch == 1


def test_where_nothing_can_be_compared_the_pair_is_as_bad_as_can_be(gray):
    assert compute_photometric_error(gray, gray, ~EVERYWHERE) == PhotometricError(255, 1)


@pytest.mark.parametrize(
    ("likeness", "valid_share", "cut"),
    [
        (PhotometricError(error=1.5, mismatch=0.1), 0.95, False),  # ordinary video
        (PhotometricError(error=14, mismatch=0.33), 0.25, False),  # a motocross rider filling the frame
        (PhotometricError(error=92, mismatch=1.0), 0.01, True),  # a cut
        (PhotometricError(error=27, mismatch=0.37), 0.0, True),  # a cut between two pictures of like layout
        (PhotometricError(error=1.1, mismatch=0.99), 0.19, False),  # noise in the dark
        (PhotometricError(error=0, mismatch=1.0), 1.0, False),  # black on black
    ],
)
def test_cuts_are_told_from_fast_motion_and_from_noise(likeness, valid_share, cut):
    assert is_scene_cut(likeness, valid_share) == cut


def test_flow_that_leads_out_of_the_image_everywhere_is_treated_as_a_cut(view):
    away = np.full((96, 128, 2), 500, np.float32)
    pair = assess_flow_pair(view(), view(), away, -away, FlowEncoding(96, 128, 2, 32))
    assert pair.cut
    assert pair.photometric_error == 255
    assert not pair.forward.any()


def test_the_camera_may_be_asked_again_with_boxes_left_out(view):
    from tasks.geometry.homography import estimate_camera_motion

    flow = np.zeros((96, 128, 2), np.float32)
    flow[:, :90] = (5, 0)
    pair = assess_flow_pair(view(), view(), flow, -flow, FlowEncoding(96, 128, 2, 32))
    assert pair.camera[0, 2] == pytest.approx(5, abs=0.01)
    again = estimate_camera_motion(flow, np.ones((96, 128), bool), exclude_boxes=[(0, 0, 90, 96)])
    np.testing.assert_allclose(again.homography, np.eye(3), atol=1e-6)


def smooth_flow(seed: int) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(size=(48, 64, 2)).astype(np.float32)
    half = 40 * cv2.GaussianBlur(noise, (0, 0), 4)
    return cv2.resize(half, (128, 96), interpolation=cv2.INTER_LINEAR)


def test_the_stored_grid_gives_about_the_quality_of_every_pixel(view):
    forward = np.full((96, 128, 2), (3, 2), np.float32) + smooth_flow(0) / 8
    backward = -forward + smooth_flow(1) / 8
    images = view(), view(3, 2)
    full, half = (assess_flow_pair(*images, forward, backward, FlowEncoding(96, 128, grid, 32)) for grid in (1, 2))
    assert 0.1 < full.valid.mean() < 0.9
    assert (full.valid != half.valid).mean() < 0.05
    assert (full.valid_backward != half.valid_backward).mean() < 0.05
    assert half.photometric_error == pytest.approx(full.photometric_error, rel=0.05)


def test_the_vectors_that_were_checked_are_those_that_are_stored(view):
    encoding, forward = FlowEncoding(96, 128, 2, 32), smooth_flow(2) / 20
    pair = assess_flow_pair(view(), view(), forward, -forward, encoding)
    assert pair.stored is not None
    assert encoding.encode_stored(pair.stored[0]) == encoding.encode(forward)
    assert encoding.encode_stored(pair.stored[1]) == encoding.encode(-forward)
