from __future__ import annotations

import numpy as np
import pytest

from tasks.estimate_pose.rtmpose_model import RtmPose, open_rtmpose
from tasks.weights.fetch import weights_path

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def crops() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 255, (5, 256, 192, 3), np.uint8)


def test_predictions_depend_neither_on_threads_nor_on_the_number_of_crops(crops: np.ndarray):
    one, two = (open_rtmpose(weights_path("rtmpose-s"), threads) for threads in (1, 2))
    together = one.forward(crops)
    assert [values.shape for values in together] == [(5, 26, 384), (5, 26, 512)]
    for axis in (0, 1):
        assert np.array_equal(together[axis], two.forward(crops)[axis])
        assert np.array_equal(together[axis], np.concatenate([one.forward(crop[None])[axis] for crop in crops]))


def test_flipping_looks_at_each_crop_twice(crops: np.ndarray):
    shown: list[np.ndarray] = []

    def forward(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        shown.append(images)
        return np.zeros((len(images), 26, 384), np.float32), np.zeros((len(images), 26, 512), np.float32)

    RtmPose(forward).predict(crops, flip=True)
    assert len(shown) == 2 and np.array_equal(shown[0][:, :, ::-1], shown[1])
