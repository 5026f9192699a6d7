"""Average precision of poses by COCO's object keypoint similarity (Lin et al., 2014), with pycocotools.

At most 20 people per image, over all sizes, as fractions; only COCO's 17 keypoints count.
"""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tasks.artifacts.poses import COCO_KEYPOINTS
from tasks.errors import BadInput
from tasks.yolo.keypoint_decoding import Skeletons

MAX_PEOPLE_PER_IMAGE = 20  # COCO's maxDets for keypoints
PERSON_CATEGORY = 1  # COCO's number for it

CocoAnnotations = dict[str, Any]
"""Parsed annotations.json of COCO."""


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
        for points, score in zip(
            seen.keypoints[:, : len(COCO_KEYPOINTS)].astype(np.float64), seen.score.tolist(), strict=True
        )
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
                "keypoints": np.insert(points[: len(COCO_KEYPOINTS)], 2, 1, axis=1).reshape(-1).tolist(),
                "area": float(np.ptp(points[: len(COCO_KEYPOINTS)], axis=0).prod()),
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
