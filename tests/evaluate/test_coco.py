from __future__ import annotations

import argparse
import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from flows.evaluate import coco
from flows.evaluate.coco import CocoImage, evaluate, read_coco_images, score_detections
from tasks.artifacts.detections import Detections
from tasks.detect.params import DetectParams
from tasks.errors import BadInput
from tasks.params import ParamSections
from tests.factories.compute import make_compute

WIDTH, HEIGHT = 200, 100
PARAMS = ParamSections(
    {
        "detect": DetectParams(
            weights="yolo26n", image_size=640, score_threshold=0.1, classes=("dog",), max_detections=3, nms_iou=0.7
        ),
        "compute": make_compute(),
    }
)


def labelled(name: str, *rows: tuple[int, float, float, float, float]) -> CocoImage:
    table = np.array(rows, np.float64).reshape(-1, 5)
    return CocoImage(name, Path(f"{name}.jpg"), table[:, 0].astype(np.int64), table[:, 1:])


def seen(*rows: tuple[int, float, float, float, float, float]) -> Detections:
    table = np.array(sorted(rows, key=lambda row: -row[1]), np.float32).reshape(-1, 6)
    return Detections(
        frame=np.zeros(len(rows), np.int32),
        class_id=table[:, 0].astype(np.int16),
        class_name=np.array(["thing"] * len(rows), object),
        score=table[:, 1],
        **dict(zip(("x1", "y1", "x2", "y2"), table[:, 2:].T, strict=True)),
        frame_count=1,
        width=WIDTH,
        height=HEIGHT,
    )


def test_boxes_that_are_right_score_one():
    truth = [labelled("a", (7, 0.5, 0.5, 0.2, 0.4), (0, 0.1, 0.1, 0.1, 0.1)), labelled("b", (7, 0.25, 0.5, 0.5, 1.0))]
    found = [seen((7, 0.9, 80, 30, 120, 70), (0, 0.8, 10, 5, 30, 15)), seen((7, 0.4, 0, 0, 100, 100))]
    scores = score_detections(truth, found)
    assert scores.combined == pytest.approx({"AP": 1.0, "AP50": 1.0})
    assert scores.items["b"] == pytest.approx({"objects": 1, "detections": 1, "AP": 1.0, "AP50": 1.0})
    json.dumps(scores.as_json())


def test_a_box_with_an_overlap_of_two_thirds_counts_up_to_65_per_cent():
    scores = score_detections([labelled("a", (2, 0.5, 0.5, 0.5, 0.5))], [seen((2, 0.9, 50, 25, 150, 62.5))])
    assert scores.combined["AP50"] == pytest.approx(1.0)
    assert scores.combined["AP"] == pytest.approx(0.6)  # overlap .75: right at .50, .55, ... .75, six of ten


def test_classes_count_alike_and_a_box_of_another_class_does_not_count():
    truth = [labelled("a", (0, 0.5, 0.5, 0.2, 0.4), (1, 0.1, 0.1, 0.1, 0.1))]
    assert score_detections(truth, [seen((0, 0.9, 80, 30, 120, 70), (5, 0.8, 10, 5, 30, 15))]).combined[
        "AP"
    ] == pytest.approx(0.5)


def test_a_false_box_above_a_true_one_halves_precision():
    found = [seen((0, 0.9, 0, 0, 20, 20), (0, 0.8, 80, 30, 120, 70))]
    assert score_detections([labelled("a", (0, 0.5, 0.5, 0.2, 0.4))], found).combined["AP"] == pytest.approx(0.5)


def test_an_image_without_objects_has_no_ap_of_its_own_but_its_false_boxes_count():
    truth = [labelled("a", (0, 0.5, 0.5, 0.2, 0.4)), labelled("empty")]
    scores = score_detections(truth, [seen((0, 0.8, 80, 30, 120, 70)), seen((0, 0.9, 0, 0, 20, 20))])
    assert scores.items["empty"] == {"objects": 0, "detections": 1}
    assert scores.combined["AP"] == pytest.approx(0.5)


def test_no_detections_and_no_objects_at_all_are_no_crash():
    assert score_detections([labelled("a", (0, 0.5, 0.5, 0.2, 0.4))], [seen()]).combined == {"AP": 0, "AP50": 0}
    assert score_detections([labelled("a")], [seen()]).combined == {}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    for folder in ("images/sub", "labels/sub"):
        (tmp_path / folder).mkdir(parents=True)
    for name in ("b", "sub/a"):
        assert cv2.imwrite(str(tmp_path / f"images/{name}.png"), np.zeros((HEIGHT, WIDTH, 3), np.uint8))
    (tmp_path / "labels/sub/a.txt").write_text("59 0.5 0.5 0.2 0.4\n0 0.1 0.1 0.1 0.1\n")
    return tmp_path


def test_labels_are_read_beside_their_images(data):
    images = read_coco_images(data)
    assert [image.name for image in images] == ["b", "sub/a"]
    assert images[0].class_id.tolist() == []
    assert images[1].class_id.tolist() == [59, 0]
    assert images[1].xywh.tolist() == [[0.5, 0.5, 0.2, 0.4], [0.1, 0.1, 0.1, 0.1]]


@pytest.mark.parametrize("line", ["1 0.5 0.5 0.2", "person 0.5 0.5 0.2 0.4", "1.5 0.5 0.5 0.2 0.4", "1 2 3 4 5 6 7"])
def test_an_odd_line_is_named(data, line):
    (data / "labels/b.txt").write_text(f"0 0.5 0.5 0.2 0.4\n{line}\n")
    with pytest.raises(BadInput, match=rf"b.txt:2 must be `class x y w h`, got '{line}'"):
        read_coco_images(data)


def test_labels_without_an_image_and_a_folder_without_images_are_errors(data, tmp_path_factory):
    (data / "labels/c.txt").write_text("")
    with pytest.raises(BadInput, match=r"got labels/c.txt without one"):
        read_coco_images(data)
    with pytest.raises(BadInput, match="must hold images"):
        read_coco_images(tmp_path_factory.mktemp("nothing"))


def test_the_stage_is_run_down_to_weak_scores_of_all_classes_and_stdout_stays_clean(data, monkeypatch, capsys):
    used: list[DetectParams] = []

    def spy(frames, params, compute):
        used.append(params)
        assert (frames.image(0) == 0).all() and (frames.width, frames.height) == (WIDTH, HEIGHT)
        return seen((59, 0.9, 80, 30, 120, 70))

    monkeypatch.setattr(coco, "detect", spy)
    scores = evaluate(argparse.Namespace(data=data, weights="yolo11n", people=False), PARAMS)
    assert {(p.weights, p.score_threshold, p.classes, p.max_detections) for p in used} == {
        ("yolo11n", 0.001, None, 300)
    }
    assert scores.items["sub/a"]["AP50"] == pytest.approx(0.5)
    assert capsys.readouterr().out == ""


@pytest.mark.slow
@pytest.mark.parametrize("weights,ap,ap50", [("yolo26n", 0.492, 0.675), ("yolo11n", 0.462, 0.632)])
def test_59_images_of_coco_score_what_ultralytics_own_validation_gives(ground_truth, weights, ap, ap50):
    scores = evaluate(argparse.Namespace(data=ground_truth / "coco", weights=weights, people=False), PARAMS)
    assert len(scores.items) == 59
    assert scores.combined["AP"] == pytest.approx(ap, abs=0.01)
    assert scores.combined["AP50"] == pytest.approx(ap50, abs=0.01)
