"""Instance masks: the drawing by a model of one's own, and what YOLO26n-seg sees on a real picture."""

from __future__ import annotations

import av
import numpy as np
import pytest

from flows.cli.sample_videos import SAMPLES
from tasks.geometry.letterbox import Letterbox
from tasks.weights.fetch import fetch_asset
from tasks.yolo.instance_segmentation import Segmenter, assemble_masks, load_segmenter


def test_a_mask_is_the_weighted_prototypes_inside_its_box() -> None:
    letterbox = Letterbox.fit(64, 128, 128)
    prototypes = np.full((2, *(side // 4 for side in letterbox.outer)), -1, np.float32)
    prototypes[0, :, 8:24] = 1  # x from 32 to 96
    boxes = np.array([[16, 10, 80, 50], [0, 0, 128, 64]], np.float32)
    masks = assemble_masks(np.array([[1, 0], [-1, 0]], np.float32), prototypes, boxes, letterbox)
    assert masks.shape == (2, 64, 128)
    rows, columns = np.nonzero(masks[0])
    assert (rows.min(), rows.max(), columns.max()) == (10, 49, 79)
    assert abs(int(columns.min()) - 32) <= 1
    assert masks[1][:, :30].all()
    assert not masks[1][:, 34:94].any()


def test_rows_come_back_best_first_without_weak_and_turned_ones() -> None:
    def forward(image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        rows = [[4, 4, 20, 20, 0.3, 2, 1], [8, 8, 40, 30, 0.9, 1, 1], [0, 0, 9, 9, 0.05, 0, 1], [9, 9, 2, 2, 0.8, 0, 1]]
        return np.array(rows, np.float32), np.ones((1, image.shape[0] // 4, image.shape[1] // 4), np.float32)

    found = Segmenter(("a", "b", "c"), forward)(np.zeros((64, 64, 3), np.uint8), 64, 0.25)
    assert found.class_id.tolist() == [1, 2]
    assert found.score.tolist() == pytest.approx([0.9, 0.3])
    assert found.masks[0].sum() == 32 * 22
    assert len(found.take(found.score > 0.5)) == 1


def test_an_empty_picture_has_no_instances() -> None:
    nothing = np.zeros((0, 7), np.float32), np.zeros((1, 16, 16), np.float32)
    found = Segmenter(("a",), lambda image: nothing)(np.zeros((64, 64, 3), np.uint8), 64, 0.25)
    assert len(found) == 0
    assert found.masks.shape == (0, 64, 64)


@pytest.mark.slow
def test_a_cyclist_is_seen_in_a_real_picture() -> None:
    clip = next(sample for sample in SAMPLES if sample.name == "bikes")
    with av.open(str(fetch_asset(clip))) as reader:
        picture = [frame.to_ndarray(format="rgb24") for frame in reader.decode(video=0)][125]
    segmenter = load_segmenter()
    found = segmenter(picture, 640, 0.4)
    names = [segmenter.names[number] for number in found.class_id]
    assert {"person", "bicycle"} <= set(names)
    person = found.masks[names.index("person")]
    left, top, right, bottom = found.xyxy[names.index("person")]
    assert 0.3 < person.sum() / ((right - left) * (bottom - top)) < 0.95
