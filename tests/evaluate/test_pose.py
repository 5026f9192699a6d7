from __future__ import annotations

import argparse
import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from flows.evaluate.keypoint_precision import compute_average_precision, read_annotations
from flows.evaluate.pose import evaluate
from flows.evaluate.pose_coverage import compute_shares, count_person_frames
from tasks.artifacts.poses import KEYPOINTS, Poses
from tasks.artifacts.tracks import Tracks
from tasks.detect.params import DetectParams
from tasks.errors import BadInput
from tasks.estimate_pose import pose_finder
from tasks.estimate_pose.params import EstimatePoseParams
from tasks.params import ParamSections
from tasks.yolo.keypoint_decoding import Skeletons
from tasks.yolo.yolo_types import Yolo
from tests.factories.compute import make_compute

PARAMS = ParamSections(
    {
        "estimate_pose": EstimatePoseParams(
            backend="yolo",
            flip=False,
            image_size=640,
            crop_height=256,
            crop_below=160,
            score_threshold=0.25,
            nms_iou=0.7,
            affinity=0.25,
            keypoint_score=0.5,
            min_keypoints=8,
            smoothing="kalman",
            cutoff_hz=6,
            bridge_s=0.2,
            min_steps=4,
        ),
        "compute": make_compute(),
    }
)
POINTS = np.stack([np.linspace(20, 80, 17), np.linspace(30, 190, 17)], axis=1)
AREA = 60.0 * 160


def ground(*people: np.ndarray, seen: int = 2) -> dict:
    """One image with people; `seen` is COCO's flag of all keypoints, 0 for not labelled."""
    return {
        "images": [{"id": 5, "file_name": "a.png"}],
        "annotations": [
            {
                "image_id": 5,
                "category_id": 1,
                "area": AREA,
                "bbox": [20, 30, 60, 160],
                "keypoints": np.insert(points, 2, seen, axis=1).reshape(-1).tolist(),
            }
            for points in people
        ],
    }


def found(*people: tuple[np.ndarray, float]) -> list[Skeletons]:
    points = np.array([each[0] for each in people], np.float32).reshape(-1, 17, 2)
    score = np.array([each[1] for each in people], np.float32)
    return [Skeletons(np.zeros((len(people), 4), np.float32), score, points, np.ones((len(people), 17), np.float32))]


def test_keypoints_that_are_right_score_one_and_none_score_nothing():
    items, combined = compute_average_precision(ground(POINTS), found((POINTS, 0.9)))
    assert combined == pytest.approx({"AP": 1.0, "AP50": 1.0})
    assert items["a"] == pytest.approx({"people": 1, "found": 1, "AP": 1.0, "AP50": 1.0})
    assert compute_average_precision(ground(POINTS), found())[1] == {"AP": 0, "AP50": 0}


def test_ap_is_that_of_the_similarity_worked_out_by_hand():
    """OKS of a shift by d px: the mean of exp(-d^2 / (2 area (2 sigma)^2)) over COCO's 17 sigmas."""
    sigmas = np.array([26, 25, 25, 35, 35, 79, 79, 72, 72, 62, 62, 107, 107, 87, 87, 89, 89]) / 1000
    for shift in (3.0, 8.0, 14.0):
        oks = np.exp(-(shift**2) / (2 * AREA * (2 * sigmas) ** 2)).mean()
        expected = (oks >= np.arange(0.5, 0.96, 0.05)).mean()
        _, combined = compute_average_precision(ground(POINTS), found((POINTS + np.array([shift, 0]), 0.9)))
        assert combined["AP"] == pytest.approx(expected), (shift, oks)


def test_a_false_skeleton_above_a_true_one_halves_precision_and_nobody_labelled_is_no_score():
    _, combined = compute_average_precision(ground(POINTS), found((POINTS, 0.5), (POINTS + 400, 0.9)))
    assert combined["AP"] == pytest.approx(0.5)
    assert compute_average_precision(ground(POINTS, seen=0), found((POINTS, 0.5)))[1] == {}
    crowd = ground(POINTS)
    crowd["annotations"][0]["iscrowd"] = 1
    assert compute_average_precision(crowd, found((POINTS, 0.5)))[1] == {}


@pytest.mark.parametrize("text", ["{", "[]", '{"images": []}', '{"images": [{}], "annotations": [{"bbox": []}]}'])
def test_other_files_are_refused(tmp_path: Path, text: str):
    (tmp_path / "annotations.json").write_text(text)
    with pytest.raises(BadInput, match="must be COCO's keypoint format"):
        read_annotations(tmp_path)


def test_a_folder_with_neither_images_nor_videos_is_refused(tmp_path: Path):
    with pytest.raises(BadInput, match=r"must hold images/ and annotations\.json, or videos, got neither"):
        evaluate(argparse.Namespace(data=tmp_path, alone=True, backend="yolo"), PARAMS)


def test_images_are_looked_at_down_to_weak_scores_and_stdout_stays_clean(tmp_path, monkeypatch, capsys):
    (tmp_path / "images").mkdir()
    assert cv2.imwrite(str(tmp_path / "images/a.png"), np.zeros((640, 640, 3), np.uint8))
    (tmp_path / "annotations.json").write_text(json.dumps(ground(POINTS)))
    row = [50, 110, 60, 160, 0.002, *np.insert(POINTS, 2, 0.9, axis=1).reshape(-1)]
    columns = np.array(row, np.float32)[:, None]
    monkeypatch.setattr(
        pose_finder, "load_yolo", lambda *_: Yolo(("person",), False, "pose", False, lambda images: columns[None])
    )
    scores = evaluate(argparse.Namespace(data=tmp_path, alone=True, backend="yolo"), PARAMS)
    assert scores.combined == pytest.approx({"AP": 1.0, "AP50": 1.0})
    json.dumps(scores.as_json())
    assert capsys.readouterr().out == ""


def test_coverage_counts_people_in_whole_frames_and_those_over_60_px():
    frame, ids = np.array([0, 0, 1, 1, 2], np.int32), np.array([1, 2, 1, 3, 1], np.int32)
    low = np.array([100, 50, 100, 100, 100], np.float32)
    zero = np.zeros(5, np.float32)
    facts = {"frame_count": 3, "width": 640, "height": 480}
    tracks = Tracks(
        frame=frame,
        track_id=ids,
        class_id=(ids == 3).astype(np.int16),
        class_name=np.where(ids == 3, "dog", "person").astype(object),
        score=zero,
        x1=zero,
        y1=zero,
        x2=zero + 30,
        y2=low,
        detection=np.full(5, -1, np.int32),
        **facts,
    )
    points = np.zeros((2, 26), np.float32)
    score = np.full((2, 26), 0.9, np.float32)
    score[1, :5] = 0.1
    poses = Poses(
        frame=np.array([0, 0], np.int32),
        track_id=np.array([1, 2], np.int32),
        score=np.ones(2, np.float32),
        source=np.array(["crop", "crop"], object),
        x=points,
        y=points,
        keypoint_score=score,
        smooth_x=points,
        smooth_y=points,
        trusted_score=0.5,
        skeleton="halpe26",
        keypoints=KEYPOINTS,
        **facts,
    )
    found = count_person_frames(np.array([True, True, False]), tracks, poses)
    assert found == {"people": 3, "tall": 2, "posed": 2, "tall_posed": 1, "keypoints": 47}
    said = compute_shares(found | {"seconds": 0.3})
    assert said["posed"] == pytest.approx(2 / 3) and said["posed_over_60px"] == 0.5
    assert (said["ms_per_person"], said["keypoints_per_pose"]) == pytest.approx((100, 23.5))
    nobody = compute_shares(dict.fromkeys(found, 0.0) | {"seconds": 1.0})
    assert nobody == {"people": 0, "people_over_60px": 0}


@pytest.mark.slow
def test_whole_frames_score_within_a_hundredth_of_plain_ultralytics(ground_truth):
    scores = evaluate(
        argparse.Namespace(data=ground_truth / "pose" / "coco8-pose", alone=False, backend="yolo"), PARAMS
    )
    assert scores.combined["AP"] > 0.3
    assert scores.combined["AP"] == pytest.approx(scores.combined["ultralytics_AP"], abs=0.01)
    assert scores.combined["AP50"] == pytest.approx(scores.combined["ultralytics_AP50"], abs=0.01)


@pytest.mark.slow
def test_rtmpose_scores_above_yolo_in_detected_boxes_and_higher_still_in_true_ones(ground_truth):
    data = ground_truth / "pose" / "coco8-pose"
    detecting = DetectParams(
        weights="yolo26n",
        image_size=640,
        score_threshold=0.1,
        classes=None,
        max_detections=300,
        nms_iou=0.7,
    )
    params = ParamSections({**PARAMS, "detect": detecting})
    scores = {
        backend: evaluate(argparse.Namespace(data=data, alone=True, backend=backend), params).combined
        for backend in ("rtmpose", "yolo")
    }
    assert scores["rtmpose"]["AP"] > scores["yolo"]["AP"] + 0.02
    assert scores["rtmpose"]["true_boxes_AP"] >= scores["rtmpose"]["AP"]
