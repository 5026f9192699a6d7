"""Poses against ground truth: `semflow eval pose --data DIR`.

Where DIR holds `images/` and `annotations.json` (COCO's keypoint format, Lin et al., 2014), people are detected in
whole images, as `estimate_pose` does in frames. Metrics: OKS AP (similarity .50 to .95) and AP50 by pycocotools, at
most 20 people per image, as fractions, over all sizes; `combined` pools all images as COCO does. For comparison,
`ultralytics_AP` is that of ultralytics' own predict on the same images, unless `--alone`.

Where DIR holds videos, each goes through decode, detect, track and estimate_pose; metrics are shares of tracked
person-frames that get a pose (see pose_coverage.py).
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import numpy as np

from flows.cli.command_options import DATA_OPTION, JSON_OPTION, ValuesCommand
from flows.cli.run_suite import run_suite
from flows.evaluate.pose_coverage import VIDEO_SUFFIXES, measure_coverage
from flows.evaluate.score_table import SuiteScores
from tasks.arrays import Image
from tasks.device import resolve_device
from tasks.errors import BadInput
from tasks.estimate_pose.params import EstimatePoseParams
from tasks.estimate_pose.pose_detector import MAX_PEOPLE, PoseDetector
from tasks.params import Compute, ParamSections
from tasks.weights.fetch import weights_path
from tasks.yolo.keypoint_decoding import Skeletons
from tasks.yolo.ultralytics_import import import_ultralytics
from tasks.yolo.yolo_model import load_yolo

SCORE_THRESHOLD = 0.001  # AP needs low scores too; the threshold of ultralytics' own validation
MAX_PEOPLE_PER_IMAGE = 20  # COCO's maxDets for keypoints
PERSON_CATEGORY = 1  # COCO's number for it

CocoAnnotations = dict[str, Any]
"""Parsed annotations.json of COCO."""


@click.command(cls=ValuesCommand)
@DATA_OPTION
@click.option("--alone", is_flag=True, help="leave out ultralytics' own predict, which is slow")
@JSON_OPTION
def command(**options: Any) -> int:
    """Score poses: OKS AP on COCO keypoints, or coverage of tracked people on videos."""
    return run_suite(evaluate, options)


def evaluate(arguments: argparse.Namespace, params: ParamSections) -> SuiteScores:
    """AP on labelled images, or the share of people with a pose on videos; the section `estimate_pose` but for AP."""
    if (arguments.data / "annotations.json").exists():
        return _on_images(arguments, params)
    videos = sorted(file for file in arguments.data.iterdir() if file.suffix.lower() in VIDEO_SUFFIXES)
    if not videos:
        raise BadInput(f"{arguments.data} must hold images/ and annotations.json, or videos, got neither")
    items, combined = measure_coverage(videos, params)
    return SuiteScores("pose", items, combined)


def _on_images(arguments: argparse.Namespace, params: ParamSections) -> SuiteScores:
    settings = params.get_section(EstimatePoseParams)
    model = load_yolo(settings.weights, resolve_device(params.get_section(Compute).device))
    detector = PoseDetector(
        model=model,
        image_size=settings.image_size,
        crop_height=settings.crop_height,
        score_threshold=SCORE_THRESHOLD,
        nms_iou=settings.nms_iou,
        batch=1,
    )
    ground = read_annotations(arguments.data)
    images = [_read(arguments.data / "images" / str(image["file_name"])) for image in ground["images"]]
    found = [detector.detect_in_frame(image) for image in images]
    items, combined = compute_average_precision(ground, found)
    if not arguments.alone:
        _, theirs = compute_average_precision(ground, predict_with_ultralytics(images, settings))
        combined |= {f"ultralytics_{name}": value for name, value in theirs.items()}
    return SuiteScores("pose", items, combined)


def read_annotations(data: Path) -> CocoAnnotations:
    """The annotations of `data`; BadInput where they are not COCO's keypoint format."""
    file = data / "annotations.json"
    try:
        ground: CocoAnnotations = json.loads(file.read_text(encoding="utf-8"))
        whole = all({"keypoints", "area", "bbox"} <= set(each) for each in ground["annotations"])
        if not whole or not ground["images"]:
            raise KeyError
    except (ValueError, KeyError, TypeError):
        raise BadInput(f"{file} must be COCO's keypoint format with `images` and `annotations`, got another") from None
    return ground


def predict_with_ultralytics(images: Sequence[Image], settings: EstimatePoseParams) -> list[Skeletons]:
    """Skeletons in each image by ultralytics' own predict, in torch, with the same settings."""
    predictor = import_ultralytics().YOLO(weights_path(settings.weights))
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


def compute_average_precision(
    ground: CocoAnnotations, found: Sequence[Skeletons]
) -> tuple[dict[str, dict[str, float]], dict[str, float]]:
    """AP and AP50 per image and over all, of `found`, one per image of `ground` in its order."""
    with contextlib.redirect_stdout(io.StringIO()):  # pycocotools prints its progress to stdout
        truth, guesses = _as_coco(ground, found)
        items = {
            Path(image["file_name"]).stem: {
                "people": float(sum(truth.anns[n]["num_keypoints"] > 0 for n in truth.getAnnIds(imgIds=image["id"]))),
                "found": float(len(seen)),
            }
            | _score(truth, guesses, [image["id"]])
            for image, seen in zip(ground["images"], found, strict=True)
        }
        return items, _score(truth, guesses, [image["id"] for image in ground["images"]])


def _as_coco(ground: CocoAnnotations, found: Sequence[Skeletons]) -> tuple[Any, Any]:
    from pycocotools.coco import COCO

    truth: Any = COCO()
    annotations = [
        {"iscrowd": 0}
        | each
        | {"id": n, "category_id": PERSON_CATEGORY, "num_keypoints": sum(v > 0 for v in each["keypoints"][2::3])}
        for n, each in enumerate(ground["annotations"], 1)  # 0 means unmatched there
    ]
    truth.dataset = {"images": ground["images"], "categories": [{"id": PERSON_CATEGORY}], "annotations": annotations}
    truth.createIndex()
    guesses: Any = COCO()
    rows = [
        (image["id"], points, score)
        for image, seen in zip(ground["images"], found, strict=True)
        for points, score in zip(seen.keypoints.astype(np.float64), seen.score.tolist(), strict=True)
    ]
    guesses.dataset = {
        "images": ground["images"],
        "categories": [{"id": PERSON_CATEGORY}],
        "annotations": [
            {
                "id": n,
                "image_id": image,
                "category_id": PERSON_CATEGORY,
                "score": score,
                "keypoints": np.insert(points, 2, 1, axis=1).reshape(-1).tolist(),
                "area": float(np.ptp(points, axis=0).prod()),
            }
            for n, (image, points, score) in enumerate(rows, 1)
        ],
    }
    guesses.createIndex()
    return truth, guesses


def _score(truth: Any, guesses: Any, images: list[int]) -> dict[str, float]:
    """AP and AP50 over `images`; empty where no person has keypoints, as neither is defined then."""
    from pycocotools.cocoeval import COCOeval

    people = [truth.anns[n] for n in truth.getAnnIds(imgIds=images)]
    if not any(person["num_keypoints"] and not person["iscrowd"] for person in people):
        return {}
    evaluation: Any = COCOeval(truth, guesses, "keypoints")
    evaluation.params.imgIds, evaluation.params.catIds = images, [PERSON_CATEGORY]
    evaluation.params.maxDets = [MAX_PEOPLE_PER_IMAGE]
    evaluation.params.areaRng, evaluation.params.areaRngLbl = [evaluation.params.areaRng[0]], ["all"]
    evaluation.evaluate()
    evaluation.accumulate()
    precision = evaluation.eval["precision"]  # similarity threshold, recall, class, area, maxDets
    return {"AP": float(precision.mean()), "AP50": float(precision[0].mean())}


def _read(file: Path) -> Image:
    import cv2

    image = cv2.imread(str(file), cv2.IMREAD_COLOR_RGB)
    if image is None:
        raise BadInput(f"{file} must be an image, got none or something that cannot be read")
    return image.astype(np.uint8, copy=False)
