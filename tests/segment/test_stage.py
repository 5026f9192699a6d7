from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from tasks.artifacts.detections import Detections
from tasks.artifacts.frames import Frames
from tasks.artifacts.masks import Masks, decode_mask, encode_mask
from tasks.errors import SemflowError
from tasks.segment.mask_assignment import assign_instances
from tasks.segment.params import SegmentParams
from tasks.segment.stage import segment
from tasks.yolo.instance_segmentation import SegmentedInstances
from tests.factories.frames import write_frames

HEIGHT, WIDTH = 48, 64
LEFT, RIGHT = (4.0, 8.0, 20.0, 40.0), (30.0, 8.0, 50.0, 40.0)
Row = tuple[int, str, tuple[float, float, float, float]]


def make_params(masks: bool = True) -> SegmentParams:
    return SegmentParams(masks=masks, image_size=64, score_threshold=0.1, min_iou=0.5)


def make_detections(frames: Frames, rows: Sequence[Row]) -> Detections:
    box = np.array([row[2] for row in rows], np.float32).reshape(-1, 4)
    return Detections(
        frame=np.array([row[0] for row in rows], np.int32),
        class_id=np.zeros(len(rows), np.int16),
        class_name=np.array([row[1] for row in rows], object),
        score=np.full(len(rows), 0.9, np.float32),
        x1=box[:, 0],
        y1=box[:, 1],
        x2=box[:, 2],
        y2=box[:, 3],
        frame_count=len(frames),
        width=frames.width,
        height=frames.height,
    )


@pytest.fixture
def frames(tmp_path: Path) -> Frames:
    image = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)
    return write_frames(tmp_path / "frames.parquet", [image, None, image], size=(HEIGHT, WIDTH))


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, float]]:
    """A segmenter that finds a person on the left, their mask an ellipse, and a dog on the right; what it was asked."""
    calls: list[tuple[int, float]] = []

    def find(image: np.ndarray, image_size: int, score_threshold: float) -> SegmentedInstances:
        calls.append((image_size, score_threshold))
        y, x = np.mgrid[:HEIGHT, :WIDTH]
        masks = np.stack([((x - 12) / 8) ** 2 + ((y - 24) / 16) ** 2 < 1, (x >= 30) & (x < 50) & (y >= 8) & (y < 40)])
        box = np.array([LEFT, RIGHT], np.float32)
        return SegmentedInstances(box, np.array([0.8, 0.7], np.float32), np.array([0, 1], np.int16), masks)

    class Model:
        names = ("person", "dog")

        def __call__(self, image: np.ndarray, image_size: int, score_threshold: float) -> SegmentedInstances:
            return find(image, image_size, score_threshold)

    monkeypatch.setattr("tasks.yolo.instance_segmentation.load_segmenter", lambda *_: Model())
    return calls


def test_a_detection_gets_the_mask_of_its_class_in_its_box_and_others_none(frames, asked, tmp_path):
    rows = [(0, "person", LEFT), (0, "person", RIGHT), (2, "dog", (31.0, 8.0, 50.0, 40.0)), (2, "person", LEFT)]
    masks = segment(frames, make_detections(frames, rows), make_params())
    masks.save(tmp_path / "a.parquet")
    again = Masks.load(tmp_path / "a.parquet")
    assert asked == [(64, 0.1)] * 2
    assert again.frame.tolist() == [0, 0, 2, 2] and again.detection.tolist() == [0, 1, 2, 3]
    assert again.score == pytest.approx([0.8, 0, 0.7, 0.8])
    assert again.iou == pytest.approx([1, 0, 0.95, 1])
    assert again.area.tolist() == [int(again.mask(row).sum()) for row in range(4)] and again.area[1] == 0
    assert again.mask(2)[8:40, 30:50].all() and again.area[2] == 640
    assert again.mask(0)[24, 12] and not again.mask(0)[8, 4]


def test_without_masks_there_are_no_rows_and_no_model(frames, monkeypatch):
    monkeypatch.setattr("tasks.yolo.instance_segmentation.load_segmenter", lambda *_: pytest.fail("loaded"))
    found = make_detections(frames, [(0, "person", LEFT)])
    assert len(segment(frames, found, make_params(masks=False))) == 0
    assert len(segment(frames, make_detections(frames, []), make_params())) == 0
    assert segment.weights(make_params(masks=False)) == () and segment.weights(make_params()) == ("yolo26n-seg",)


def test_masks_are_encoded_as_coco_does_without_loss():
    mask = np.random.default_rng(0).random((HEIGHT, WIDTH)) > 0.5
    assert np.array_equal(decode_mask(encode_mask(mask), HEIGHT, WIDTH), mask)
    assert encode_mask(np.zeros((HEIGHT, WIDTH), np.bool_)) == ""


def test_instances_go_to_detections_one_to_one_by_the_greatest_sum_of_overlap():
    boxes = np.array([[0, 0, 10, 10], [2, 0, 12, 10]], np.float32)
    names = np.array(["person", "person"], object)
    instance, iou = assign_instances(boxes, names, boxes[::-1], names, 0.5)
    assert instance.tolist() == [1, 0] and iou == pytest.approx([1, 1])
    instance, iou = assign_instances(boxes, names, boxes[1:], names[1:], 0.5)
    assert instance.tolist() == [-1, 0] and iou == pytest.approx([0, 1])
    instance, _ = assign_instances(boxes, names, boxes[:0], names[:0], 0.5)
    assert instance.tolist() == [-1, -1]


def test_tables_that_cannot_be_are_refused():
    facts = {"frame_count": 1, "width": WIDTH, "height": HEIGHT}
    zero = np.zeros(1, np.float32)
    row = (np.zeros(1, np.int32), np.zeros(1, np.int32), zero, zero)
    with pytest.raises(SemflowError, match="rle must be empty where area is 0, and nowhere else"):
        Masks(*row, np.ones(1, np.int32), np.array([""], object), **facts)
    with pytest.raises(SemflowError, match="must count the rows of detections from 0"):
        Masks(row[0], row[1] + 1, zero, zero, np.zeros(1, np.int32), np.array([""], object), **facts)
