from __future__ import annotations

import numpy as np
import pytest

from tasks.artifacts.poses import KEYPOINT_INDEX, KEYPOINTS, MIRRORED_KEYPOINT
from tasks.estimate_pose.simcc_decoding import Distributions, average_mirrored, decode_simcc

COUNT, WIDTH, HEIGHT = len(KEYPOINTS), 192, 256


def peaks(x: np.ndarray, y: np.ndarray, height: tuple[float, float] = (0.9, 0.7)) -> Distributions:
    """Distributions with one peak per keypoint, at (n, 26) input pixels."""
    made = []
    for place, side, top in ((x, WIDTH, height[0]), (y, HEIGHT, height[1])):
        at = np.arange(2 * side) / 2
        made.append((top * np.exp(-((at - place[..., None]) ** 2) / 8)).astype(np.float32))
    return made[0], made[1]


def test_a_keypoint_lies_at_the_maxima_and_is_as_sure_as_the_weaker_one():
    x, y = np.linspace(10, 180, COUNT).round()[None] + 0.5, np.linspace(5, 250, COUNT).round()[None]
    place, score = decode_simcc(peaks(x, y))
    assert place.shape == (1, COUNT, 2) and place.dtype == np.float32
    assert place[0, :, 0] == pytest.approx(x[0]) and place[0, :, 1] == pytest.approx(y[0])
    assert score == pytest.approx(0.7)


def test_scores_outside_zero_to_one_are_cut():
    middle = np.full((1, COUNT), 50.0)
    assert (decode_simcc(peaks(middle, middle, (1.2, 1.1)))[1] == 1).all()
    flat = np.full((1, COUNT, 10), -0.2, np.float32)
    assert (decode_simcc((flat, flat))[1] == 0).all()


def test_a_mirrored_prediction_agrees_with_the_straight_one_and_left_stays_left():
    x, y = np.linspace(20, 170, COUNT).round()[None], np.linspace(5, 250, COUNT).round()[None]
    mirror = list(MIRRORED_KEYPOINT)
    # Bins are mirrored as a whole, as MMPose does: bin b becomes 383 - b, half a bin off the mirrored pixel.
    mirrored = peaks(WIDTH - 0.5 - x[:, mirror], y[:, mirror])
    place, score = decode_simcc(average_mirrored(peaks(x, y), mirrored))
    assert place[0, :, 0] == pytest.approx(x[0]) and place[0, :, 1] == pytest.approx(y[0])
    assert score == pytest.approx(0.7)
    lost = peaks(x, y)
    lost[0][:, KEYPOINT_INDEX["heel_left"]] = 0  # the straight image does not show it, the mirrored one does
    place, score = decode_simcc(average_mirrored(lost, mirrored))
    at = KEYPOINT_INDEX["heel_left"]
    assert place[0, at] == pytest.approx([x[0, at], y[0, at]]) and score[0, at] == pytest.approx(0.45)
