"""The numbers of the adapter are those of ultralytics' own predict."""

from __future__ import annotations

import av
import numpy as np
import pytest

from flows.cli.sample_videos import SAMPLES
from tasks.estimate_pose.pose_detector import MAX_PEOPLE, PoseDetector
from tasks.weights.fetch import fetch_asset, weights_path
from tasks.yolo.keypoint_decoding import Skeletons, decode_keypoints, suppress_skeletons
from tasks.yolo.ultralytics_import import import_ultralytics
from tasks.yolo.yolo_model import load_yolo, load_yolo_torch

WEIGHTS = "yolo11n-pose"


@pytest.fixture(scope="module")
def pictures() -> list[np.ndarray]:
    """Two pictures out of the clip `walk`, at its own size and at one that is scaled up."""
    clip = next(sample for sample in SAMPLES if sample.name == "walk")
    with av.open(str(fetch_asset(clip))) as reader:
        frames = (frame for number, frame in enumerate(reader.decode(video=0)) if number in (70, 100))
        first, second = (frame.to_ndarray(format="rgb24") for frame in frames)
    return [first, np.ascontiguousarray(second[300:900:2, 400:1200:2])]


@pytest.mark.slow
def test_people_are_those_of_ultralytics_own_predict(pictures):
    model = load_yolo(WEIGHTS, "cpu")
    looker = PoseDetector(model, 640, 256, score_threshold=0.25, nms_iou=0.7, batch=1)
    predictor = import_ultralytics().YOLO(weights_path(WEIGHTS))
    total = 0
    for picture in pictures:
        mine = looker.detect_in_frame(picture)
        theirs = predictor.predict(picture[..., ::-1], imgsz=640, conf=0.25, iou=0.7, device="cpu", verbose=False)[0]
        assert len(mine) == len(theirs.boxes)
        assert mine.xyxy == pytest.approx(theirs.boxes.xyxy.numpy(), abs=0.05)
        assert mine.score == pytest.approx(theirs.boxes.conf.numpy(), abs=1e-3)
        assert mine.keypoint_score == pytest.approx(theirs.keypoints.data[..., 2].numpy(), abs=1e-3)
        sure = mine.keypoint_score > 0.5
        assert mine.keypoints[sure] == pytest.approx(theirs.keypoints.data[..., :2].numpy()[sure], abs=0.1)
        total += len(mine)
    assert total >= 2


def test_a_person_seen_closer_is_where_it_is_in_the_whole_frame(pictures):
    looker = PoseDetector(load_yolo(WEIGHTS, "cpu"), 640, 256, score_threshold=0.5, nms_iou=0.7, batch=2)
    whole = looker.detect_in_frame(pictures[0])
    close = looker.detect_in_crops(pictures[0], whole.xyxy)
    assert len(close) >= len(whole) >= 2
    for box, points, sure in zip(whole.xyxy, whole.keypoints, whole.keypoint_score > 0.9, strict=True):
        near = np.abs(close.keypoints - points)[:, sure].mean(axis=(1, 2)).min()
        assert near < 0.04 * (box[3] - box[1])


@pytest.mark.slow
def test_half_precision_places_keypoints_within_a_pixel_or_so(pictures):
    single = PoseDetector(load_yolo(WEIGHTS, "cpu"), 640, 256, 0.5, 0.7, 1).detect_in_frame(pictures[0])
    half = PoseDetector(load_yolo_torch(weights_path(WEIGHTS), "cpu"), 640, 256, 0.5, 0.7, 1).detect_in_frame(
        pictures[0]
    )
    sure = single.keypoint_score > 0.8
    assert len(half) == len(single)
    assert np.abs(half.keypoints - single.keypoints)[sure].max() < 8


def columns(*people: tuple[float, ...]) -> np.ndarray:
    """(56, n) columns of (x, y, w, h, score) with all keypoints at the centre."""
    return np.array([[*person, *(person[0], person[1], 0.9) * 17] for person in people], np.float32).T


def test_columns_become_people_best_first_without_those_seen_twice():
    found = decode_keypoints(
        columns((50, 50, 20, 40, 0.6), (51, 50, 20, 40, 0.8), (200, 50, 20, 40, 0.3)), 0.25, 0.7, MAX_PEOPLE
    )
    assert found.score.tolist() == pytest.approx([0.8, 0.3])
    assert found.xyxy[0].tolist() == [41, 30, 61, 70]
    assert (found.keypoints[1] == [200, 50]).all()
    assert len(decode_keypoints(columns((50, 50, 20, 40, 0.2)), 0.25, 0.7, MAX_PEOPLE)) == 0


def test_joining_nothing_gives_nobody():
    nobody = Skeletons.from_parts([])
    assert (nobody.xyxy.shape, nobody.keypoints.shape, nobody.keypoint_score.shape) == ((0, 4), (0, 17, 2), (0, 17))
    assert suppress_skeletons(nobody, 0.7, 10).tolist() == []
