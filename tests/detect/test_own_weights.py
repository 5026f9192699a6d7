"""Detectors of one's own: any checkpoint or ONNX file of ultralytics, by path and sha256."""

from __future__ import annotations

import hashlib
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from pydantic import ValidationError

from tasks.detect.params import DetectorFile, DetectParams
from tasks.detect.stage import detect
from tasks.errors import BadParams
from tasks.geometry.bounding_boxes import pairwise_iou
from tasks.geometry.letterbox import PADDING_GREY
from tasks.weights.fetch import weights_path
from tasks.yolo.onnx_export import onnx_path
from tasks.yolo.onnx_metadata import OnnxMetadata, pad_to_size


def name_file(path: Path) -> DetectorFile:
    return DetectorFile(path=str(path), sha256=hashlib.sha256(path.read_bytes()).hexdigest())


def fake_session(shape: tuple[object, ...], **about: str) -> SimpleNamespace:
    """What an onnxruntime session says of a model."""
    return SimpleNamespace(
        get_modelmeta=lambda: SimpleNamespace(custom_metadata_map=about),
        get_inputs=lambda: [SimpleNamespace(shape=shape)],
    )


@pytest.mark.parametrize("find", [weights_path, onnx_path])
def test_a_file_gives_what_the_same_model_gives_by_name(make_frames, bikes, params, cpu, find):
    frames = make_frames(bikes[:2])
    by_name, by_file = (
        detect(frames, params(weights=weights), cpu) for weights in ("yolo11n", name_file(find("yolo11n")))
    )
    assert len(by_name) > 5
    assert (by_file.xyxy == by_name.xyxy).all() and (by_file.score == by_name.score).all()
    assert by_file.class_name.tolist() == by_name.class_name.tolist()


def test_a_file_that_is_missing_or_another_one_is_refused_before_it_is_read(make_frames, bikes, params, cpu, tmp_path):
    file = tmp_path / "own.pt"
    with pytest.raises(BadParams, match=r"detect\.weights\.path must be a file, got .*own\.pt, which is not there"):
        detect(make_frames(bikes[:1]), params(weights=DetectorFile(path=str(file), sha256="0" * 64)), cpu)
    file.write_bytes(b"not a checkpoint")
    with pytest.raises(BadParams, match=r"detect\.weights\.sha256 must be that of own\.pt, [0-9a-f]{64}, got 0000"):
        detect(make_frames(bikes[:1]), params(weights=DetectorFile(path=str(file), sha256="0" * 64)), cpu)


def test_a_model_for_another_task_is_refused(make_frames, bikes, params, cpu):
    pose = name_file(onnx_path("yolo11n-pose"))
    with pytest.raises(BadParams, match=r"must be a detection model, got .*yolo11n-pose.*, whose task is pose"):
        detect(make_frames(bikes[:1]), params(weights=pose), cpu)


@pytest.mark.parametrize("wrong", ["yolo99", {"path": "a.pt"}, {"path": "a.pt", "sha256": "0"}, {"path": "a.txt"}, 3])
def test_other_weights_are_refused(params, wrong):
    with pytest.raises(ValidationError):
        params(weights=wrong)


def test_weights_stand_in_the_recipe_by_name_or_by_sha256_and_an_onnx_file_stays_on_the_cpu(params):
    by_name: DetectParams = params()
    by_file: DetectParams = params(weights={"path": "own.onnx", "sha256": "ab" * 32})
    assert (detect.weights(by_name), detect.weights(by_file)) == (("yolo26n",), ())
    assert by_file.model_dump(mode="json")["weights"] == {"path": "own.onnx", "sha256": "ab" * 32}
    assert ("cuda" in detect.kernels_for(by_name), "cuda" in detect.kernels_for(by_file)) == (True, False)


def test_an_onnx_file_tells_its_classes_its_head_and_its_size():
    dynamic, fixed = (1, 3, "height", "width"), (1, 3, 384, 640)
    read = OnnxMetadata.read(fake_session(dynamic, names="{0: 'ball', 1: 'net'}", task="detect", end2end="True"), "a")
    assert (read.names, read.one_to_one, read.size) == (("ball", "net"), True, None)
    read = OnnxMetadata.read(fake_session(fixed, names="{0: 'ball'}", args="{'nms': True}"), "a")
    assert (read.task, read.one_to_one, read.size) == ("detect", True, (384, 640))
    assert not OnnxMetadata.read(fake_session(fixed, names="{0: 'ball'}"), "a").one_to_one
    for about in ({}, {"names": "ball"}, {"names": "{1: 'ball'}"}):
        with pytest.raises(BadParams, match=r"a\.onnx must be an ONNX export of ultralytics with class names"):
            OnnxMetadata.read(fake_session(fixed, **about), "a.onnx")


def test_images_are_padded_to_a_fixed_input_and_larger_ones_refused():
    padded = pad_to_size(np.zeros((2, 352, 640, 3), np.uint8), (384, 640))
    assert padded.shape == (2, 384, 640, 3)
    assert (padded[:, :352] == 0).all() and (padded[:, 352:] == PADDING_GREY).all()
    with pytest.raises(BadParams, match=r"must be at most 640 x 384 pixels, .*got 640 x 640"):
        pad_to_size(np.zeros((1, 640, 640, 3), np.uint8), (384, 640))


def test_yolox_finds_the_people_that_yolo26n_finds_and_nothing_else(make_frames, bikes, params, cpu):
    frames = make_frames(bikes)
    people = detect(frames, params(classes=("person",), score_threshold=0.6), cpu)
    found = detect(frames, params(weights="yolox-tiny"), cpu)
    assert set(found.class_name) == {"person"} and len(people) > 0
    for frame, box in zip(people.frame, people.xyxy, strict=True):
        same = found.take(found.frame == frame)
        assert pairwise_iou(same.xyxy, box[None]).max() > 0.5, (frame, box)
    assert "cuda" not in detect.kernels_for(params(weights="yolox-tiny"))
