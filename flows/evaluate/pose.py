"""Poses against ground truth: `semflow eval pose --data DIR`.

Where DIR holds `images/` and `annotations.json` (COCO's keypoint format, Lin et al., 2014), people are found in whole
images: RTMPose in the boxes of `detect`, rated by the scores of box and keypoints together, as MMPose does; YOLO by
itself. Metrics: OKS AP (similarity .50 to .95) and AP50; `combined` pools all images as COCO does. With RTMPose,
`true_boxes_AP` is that in the labelled boxes; with YOLO, `ultralytics_AP` is that of ultralytics' own predict on the
same images, unless `--alone`.

Where DIR holds videos, each goes through decode, detect, track and estimate_pose; metrics are shares of tracked
person-frames that get a pose (see pose_coverage.py).
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray

from flows.cli.command_options import DATA_OPTION, JSON_OPTION, SAVE_OPTION, ValuesCommand
from flows.cli.run_suite import run_suite
from flows.evaluate.coco import HEAD_LIMIT, detect_image
from flows.evaluate.keypoint_precision import CocoAnnotations, compute_average_precision, read_annotations
from flows.evaluate.pose_coverage import VIDEO_SUFFIXES, measure_coverage
from flows.evaluate.score_table import SuiteScores
from tasks.arrays import Image
from tasks.detect.params import DetectParams
from tasks.device import resolve_device
from tasks.errors import BadInput
from tasks.estimate_pose.duplicate_poses import suppress_duplicate_poses
from tasks.estimate_pose.params import BACKEND_WEIGHTS, EstimatePoseParams
from tasks.estimate_pose.pose_detector import MAX_PEOPLE
from tasks.estimate_pose.pose_finder import make_pose_detector
from tasks.estimate_pose.rtmpose_model import load_rtmpose
from tasks.estimate_pose.top_down_poses import TopDownEstimator
from tasks.params import Compute, ParamSections
from tasks.weights.fetch import weights_path
from tasks.yolo.keypoint_decoding import Skeletons
from tasks.yolo.ultralytics_import import import_ultralytics

SCORE_THRESHOLD = 0.001  # AP needs low scores too; the threshold of ultralytics' own validation
BACKENDS = tuple(BACKEND_WEIGHTS)


@click.command(cls=ValuesCommand)
@DATA_OPTION
@click.option("--backend", type=click.Choice(BACKENDS), help="score this one instead of estimate_pose.backend")
@click.option("--alone", is_flag=True, help="leave out ultralytics' own predict, which is slow")
@SAVE_OPTION
@JSON_OPTION
def command(**options: Any) -> int:
    """Score poses: OKS AP on COCO keypoints, or coverage of tracked people on videos."""
    return run_suite(evaluate, options)


def evaluate(arguments: argparse.Namespace, params: ParamSections) -> SuiteScores:
    """AP on labelled images, or the share of people with a pose on videos; the section `estimate_pose` but for AP."""
    chosen = {"backend": arguments.backend} if arguments.backend else {}
    settings = params.get_section(EstimatePoseParams).model_copy(update=chosen)
    if (arguments.data / "annotations.json").exists():
        return _on_images(arguments, settings, params)
    videos = sorted(file for file in arguments.data.iterdir() if file.suffix.lower() in VIDEO_SUFFIXES)
    if not videos:
        raise BadInput(f"{arguments.data} must hold images/ and annotations.json, or videos, got neither")
    items, combined = measure_coverage(videos, settings, params)
    return SuiteScores("pose", items, combined)


def _on_images(arguments: argparse.Namespace, settings: EstimatePoseParams, params: ParamSections) -> SuiteScores:
    ground = read_annotations(arguments.data)
    files = [arguments.data / "images" / str(image["file_name"]) for image in ground["images"]]
    images = [_read(file) for file in files]
    if settings.backend == "rtmpose":
        items, combined = compute_average_precision(ground, estimate_in_detections(files, images, settings, params))
        _, others = compute_average_precision(ground, estimate_in_true_boxes(ground, images, settings))
        return SuiteScores("pose", items, combined | {f"true_boxes_{name}": value for name, value in others.items()})
    weak = settings.model_copy(update={"score_threshold": SCORE_THRESHOLD})
    detector = make_pose_detector(weak, resolve_device(params.get_section(Compute).device), batch=1)
    items, combined = compute_average_precision(ground, [detector.detect_in_frame(image) for image in images])
    if not arguments.alone:
        _, others = compute_average_precision(ground, predict_with_ultralytics(images, settings))
        combined |= {f"ultralytics_{name}": value for name, value in others.items()}
    return SuiteScores("pose", items, combined)


def estimate_in_detections(
    files: Sequence[Path], images: Sequence[Image], settings: EstimatePoseParams, params: ParamSections
) -> list[Skeletons]:
    """RTMPose's skeletons in the boxes of people that `detect` finds in each image."""
    limits = {"score_threshold": SCORE_THRESHOLD, "classes": ("person",), "max_detections": HEAD_LIMIT}
    detecting, compute = params.get_section(DetectParams).model_copy(update=limits), params.get_section(Compute)
    found = [detect_image(file, detecting, compute) for file in files]
    return [rate_poses(image, boxes.xyxy, boxes.score, settings) for image, boxes in zip(images, found, strict=True)]


def estimate_in_true_boxes(
    ground: CocoAnnotations, images: Sequence[Image], settings: EstimatePoseParams
) -> list[Skeletons]:
    """RTMPose's skeletons in the labelled boxes of each image."""
    found: list[Skeletons] = []
    for entry, image in zip(ground["images"], images, strict=True):
        xywh = [each["bbox"] for each in ground["annotations"] if each["image_id"] == entry["id"]]
        boxes = np.array(xywh, np.float32).reshape(-1, 4)
        boxes[:, 2:] += boxes[:, :2]
        found.append(rate_poses(image, boxes, np.ones(len(boxes), np.float32), settings))
    return found


def rate_poses(
    image: Image, boxes: NDArray[np.float32], score: NDArray[np.float32], settings: EstimatePoseParams
) -> Skeletons:
    """RTMPose's skeletons in (n, 4) xyxy boxes, each person once, with the product of box and keypoint scores."""
    model = load_rtmpose(BACKEND_WEIGHTS["rtmpose"])
    estimator = TopDownEstimator(model, settings.flip, settings.keypoint_score, settings.min_keypoints)
    people = estimator.estimate_poses(image, boxes)
    people = replace(people, score=people.score * score)
    return people.take(suppress_duplicate_poses(people, np.zeros(len(people), np.bool_)))


def predict_with_ultralytics(images: Sequence[Image], settings: EstimatePoseParams) -> list[Skeletons]:
    """Skeletons in each image by ultralytics' own predict, in torch, with the same settings."""
    predictor = import_ultralytics().YOLO(weights_path(BACKEND_WEIGHTS["yolo"]))
    found: list[Skeletons] = []
    for image in images:
        result = predictor.predict(
            np.ascontiguousarray(image[..., ::-1]),
            imgsz=settings.image_size,
            conf=SCORE_THRESHOLD,
            iou=settings.nms_iou,
            max_det=MAX_PEOPLE,
            device="cpu",
            verbose=False,
        )[0]
        points = result.keypoints.data.numpy()
        found.append(Skeletons(result.boxes.xyxy.numpy(), result.boxes.conf.numpy(), points[..., :2], points[..., 2]))
    return found


def _read(file: Path) -> Image:
    import cv2

    image = cv2.imread(str(file), cv2.IMREAD_COLOR_RGB)
    if image is None:
        raise BadInput(f"{file} must be an image, got none or something that cannot be read")
    return image.astype(np.uint8, copy=False)
