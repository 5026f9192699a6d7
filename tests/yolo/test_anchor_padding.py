"""Images with fewer anchors than the one-to-one head gives boxes."""

from __future__ import annotations

import numpy as np
import pytest

from tasks.yolo.anchor_padding import ANCHORS_PER_SQUARE, SQUARE, TOP_K, pad_to_min_anchors
from tasks.yolo.instance_segmentation import open_segmenter
from tasks.yolo.onnx_export import onnx_path
from tasks.yolo.yolo_model import load_yolo


@pytest.mark.parametrize("tall", [32, 64, 96, 128, 480])
@pytest.mark.parametrize("wide", [32, 64, 96, 128, 480])
def test_there_is_room_and_the_image_stays_where_it_was(tall: int, wide: int) -> None:
    images = np.random.default_rng(0).integers(0, 255, (2, tall, wide, 3), np.uint8)
    found = pad_to_min_anchors(images)
    rows, columns = (side // SQUARE for side in found.shape[1:3])
    assert rows * columns * ANCHORS_PER_SQUARE >= TOP_K
    assert found.shape[1] % SQUARE == found.shape[2] % SQUARE == 0
    assert (found[:, :tall, :wide] == images).all()
    assert (found[:, tall:] == 114).all() and (found[:, :, wide:] == 114).all()


@pytest.mark.parametrize("size", [(96, 160), (32, 480), (160, 96), (640, 640)])
def test_where_there_is_room_already_nothing_is_done(size: tuple[int, int]) -> None:
    images = np.zeros((1, *size, 3), np.uint8)
    assert pad_to_min_anchors(images) is images


@pytest.mark.parametrize("size", [(32, 32), (64, 64), (32, 128), (96, 128), (448, 32)])
def test_the_real_models_take_the_smallest_images(size: tuple[int, int]) -> None:
    image = np.random.default_rng(0).integers(0, 255, (*size, 3), np.uint8)
    assert load_yolo("yolo26n", "cpu").forward(image[None]).shape == (1, 300, 6)
    rows, prototypes = open_segmenter(onnx_path("yolo26n-seg")).forward(image)
    assert rows.shape[0] == 300
    assert prototypes.shape[1:] == (size[0] // 4, size[1] // 4)


def test_a_mask_of_a_small_image_has_its_size() -> None:
    image = np.random.default_rng(0).integers(0, 255, (40, 60, 3), np.uint8)
    found = open_segmenter(onnx_path("yolo26n-seg"))(image, 64, 1e-6)
    assert found.masks.shape == (len(found), 40, 60)
    assert (found.xyxy >= 0).all() and (found.xyxy <= (60, 40, 60, 40)).all()
