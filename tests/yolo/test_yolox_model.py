from __future__ import annotations

import av
import numpy as np
import pytest

from flows.cli.sample_videos import SAMPLES
from tasks.errors import BadParams
from tasks.weights.fetch import fetch_asset, weights_path
from tasks.yolo.yolox_model import INPUT_SIDE, load_yolox_onnx


@pytest.fixture(scope="module")
def bikes() -> list[np.ndarray]:
    """Two pictures of 272 x 640 out of the clip `bikes`."""
    clip = next(sample for sample in SAMPLES if sample.name == "bikes")
    with av.open(str(fetch_asset(clip))) as reader:
        pictures = [frame.to_ndarray(format="rgb24") for frame in reader.decode(video=0)]
    return [pictures[n] for n in (110, 150)]


def test_people_of_a_clip_are_found_whatever_the_threads_and_the_batch(bikes: list[np.ndarray]):
    images = np.stack([bike[:, 220:636] for bike in bikes])
    images = np.pad(images, ((0, 0), (0, 16), (0, 0), (0, 0)))
    one, two = (load_yolox_onnx(weights_path("yolox-tiny"), threads) for threads in (1, 2))
    together = one.forward(images)
    assert together.shape[2] == 6 and (together[..., 5] == 0).all()
    assert np.array_equal(together, two.forward(images))
    for rows, image in zip(together, images, strict=True):
        alone = one.forward(image[None])[0]
        assert np.array_equal(rows[: len(alone)], alone) and (rows[len(alone) :, 4] == 0).all()


def test_it_says_what_it_is_and_refuses_larger_images():
    model = load_yolox_onnx(weights_path("yolox-tiny"))
    assert (model.names, model.one_to_one, model.input_limit) == (("person",), True, INPUT_SIDE)
    with pytest.raises(BadParams, match=r"must be at most 416 x 416 pixels"):
        model.forward(np.zeros((1, 416, 448, 3), np.uint8))
