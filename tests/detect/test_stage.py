from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from tasks.detect import stage
from tasks.detect.stage import detect
from tasks.errors import BadParams
from tasks.weights.fetch import weights_path
from tasks.yolo import yolo_model as yolo
from tasks.yolo.ultralytics_import import import_ultralytics
from tests.factories.compute import make_compute

WEIGHTS = ["yolo26n", "yolo11n"]


@pytest.mark.parametrize("weights", WEIGHTS)
@pytest.mark.parametrize("size", [(272, 640), (250, 421)])
def test_boxes_are_those_of_ultralytics_own_predict(make_frames, bikes, params, cpu, weights, size):
    height, width = size
    pictures = [np.ascontiguousarray(picture[:height, :width]) for picture in bikes]
    found = detect(make_frames(pictures), params(weights=weights), cpu)
    predictor = import_ultralytics().YOLO(weights_path(weights))
    bgr = [picture[..., ::-1] for picture in pictures]
    settings = {"imgsz": 640, "conf": 0.25, "iou": 0.7, "device": "cpu", "verbose": False}
    compared = 0
    for frame, picture in enumerate(bgr):
        boxes = predictor.predict(picture, **settings, **({"nms": False} if weights == "yolo26n" else {}))[0].boxes
        mine = found.take(found.frame == frame)
        for row in boxes.data.numpy():
            same = mine.take((mine.class_id == row[5]) & (np.abs(mine.score - row[4]) < 1e-3))
            assert np.abs(same.xyxy - row[:4]).max(axis=1).min() < 0.05, (frame, row)
        # of the classes of one box, theirs gives the best alone where there is suppression
        assert len(mine if weights == "yolo26n" else np.unique(mine.xyxy, axis=0)) == len(boxes)
        compared += len(boxes)
    assert compared >= 10


@pytest.mark.parametrize("weights", WEIGHTS)
def test_the_same_frames_give_the_same_bytes_whatever_the_batch(make_frames, bikes, params, tmp_path, weights):
    frames = make_frames(bikes)
    for name, batch in (("one", 1), ("two", 4)):
        found = detect(
            frames,
            params(weights=weights),
            make_compute(batch=batch),
        )
        found.save(tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


@pytest.mark.parametrize("weights", WEIGHTS)
def test_rows_are_ordered_and_inside_the_frame(make_frames, bikes, params, cpu, weights):
    found = detect(make_frames(bikes), params(weights=weights, score_threshold=0.01), cpu)
    assert len(found) > 100
    assert (np.lexsort((-found.score, found.frame)) == np.arange(len(found))).all()
    assert found.score.min() >= 0.01
    assert (found.xyxy >= 0).all() and (found.xyxy <= [640, 272, 640, 272]).all()
    assert (found.x1 < found.x2).all() and (found.y1 < found.y2).all()


def test_frames_without_a_picture_have_no_objects_and_keep_their_numbers(make_frames, bikes, params, cpu):
    whole = detect(make_frames(bikes), params(), cpu)
    holed = detect(make_frames([None, bikes[0], None, *bikes[1:], None]), params(), cpu)
    places = np.array([1, 3, 4, 5, 6, 7])
    assert holed.frame.tolist() == places[whole.frame].tolist()
    assert (holed.xyxy == whole.xyxy).all()
    assert holed.frame_count == 9


@pytest.mark.parametrize("images", [[], [None, None], [np.zeros((272, 640, 3), np.uint8)]])
def test_nothing_to_see_is_a_table_without_rows(make_frames, params, cpu, images):
    found = detect(make_frames(images), params(), cpu)
    assert len(found) == 0
    assert (found.frame_count, found.width, found.height) == (len(images), 640, 272)


@pytest.mark.parametrize("weights", WEIGHTS)
def test_chosen_classes_are_those_of_all_that_have_the_name(make_frames, bikes, params, cpu, weights):
    frames = make_frames(bikes)
    everything = detect(frames, params(weights=weights), cpu)
    chosen = detect(frames, params(weights=weights, classes=("bicycle", "car")), cpu)
    expected = everything.take(np.isin(everything.class_name.astype(str), ["bicycle", "car"]))
    assert set(chosen.class_name) == {"bicycle", "car"}
    assert chosen.score.tolist() == expected.score.tolist()
    assert (chosen.xyxy == expected.xyxy).all()


def test_the_best_objects_of_a_frame_are_kept(make_frames, bikes, params, cpu):
    frames = make_frames(bikes)
    everything = detect(frames, params(), cpu)
    best = detect(frames, params(max_detections=2), cpu)
    firsts = [np.flatnonzero(everything.frame == frame)[:2] for frame in range(len(bikes))]
    assert best.score.tolist() == everything.score[np.concatenate(firsts)].tolist()


def test_an_unknown_class_is_answered_with_those_there_are(make_frames, bikes, params, cpu):
    with pytest.raises(BadParams, match=r"detect.classes must be among person, bicycle, .*, got 'persn'"):
        detect(make_frames(bikes[:1]), params(classes=("car", "persn")), cpu)


@pytest.mark.parametrize(
    "wrong",
    [
        {"weights": "yolo99"},
        {"image_size": 500},
        {"score_threshold": 0.0},
        {"max_detections": 301},
        {"nms_iou": 0.0},
        {"classes": ()},
    ],
)
def test_values_out_of_bounds_are_refused(params, wrong):
    with pytest.raises(ValidationError):
        params(**wrong)


def test_half_precision_batches_find_the_same_objects(make_frames, bikes, params, cpu, monkeypatch):
    """The CUDA path, run on the CPU: half-precision trunk, several frames at once."""
    frames = make_frames(bikes)
    exact = detect(frames, params(), cpu)
    monkeypatch.setattr(yolo, "load_yolo", lambda weights, device: yolo.load_yolo_torch(weights_path(weights), device))
    half = detect(frames, params(), cpu)
    sure = exact.take(exact.score > 0.3)
    for frame, class_id, score, box in zip(sure.frame, sure.class_id, sure.score, sure.xyxy, strict=True):
        same = half.take((half.frame == frame) & (half.class_id == class_id))
        distance = np.abs(same.xyxy - box).max(axis=1)
        assert distance.min() < 1.0
        assert same.score[distance.argmin()] == pytest.approx(score, abs=0.02)


@pytest.mark.gpu
def test_cuda_finds_the_objects_that_the_cpu_finds(make_frames, bikes, params, cpu):
    torch = pytest.importorskip("torch")
    if not torch.cuda.is_available():
        pytest.skip("needs CUDA")
    frames = make_frames(bikes)
    exact = detect(frames, params(score_threshold=0.3), cpu)
    found = detect(
        frames,
        params(),
        make_compute("cuda", batch=4),
    )
    for frame, class_id, box in zip(exact.frame, exact.class_id, exact.xyxy, strict=True):
        same = found.take((found.frame == frame) & (found.class_id == class_id))
        assert np.abs(same.xyxy - box).max(axis=1).min() < 1.5


def test_the_stage_declares_its_weights_and_its_turn_at_the_accelerator(params):
    assert stage.detect.weights(params()) == ("yolo26n",)
    assert stage.detect.accelerator
