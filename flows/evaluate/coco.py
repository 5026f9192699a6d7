"""Average precision of `detect` on COCO-like images: `semflow eval coco --data DIR`.

DIR holds `images/` and `labels/`; a label file has the name of its image and a line per object, `class x y w h`: class
in the detector's numbering (COCO's 80 classes in order), centre and size as fractions of the image. An image without a
label file has no objects. Every image goes through the stage function as a video of one frame, at its own size.
Metrics: COCO's AP (IoU .50 to .95) and AP50 by pycocotools (Lin et al., 2014), over all areas, at most 100 detections
per image and class, as fractions; `combined` pools all images as COCO does. These labels do not mark crowds.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import tempfile
from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray

from flows.cli.command_options import DATA_OPTION, JSON_OPTION, SAVE_OPTION, ValuesCommand
from flows.cli.run_suite import run_suite
from flows.evaluate.score_table import SuiteScores
from tasks.arrays import Image
from tasks.artifacts.decode_report import DecodeReport
from tasks.artifacts.detections import Detections
from tasks.artifacts.frames import Frames
from tasks.artifacts.frames_file import Frame
from tasks.detect.params import HEAD_LIMIT, DetectorFile, DetectParams
from tasks.detect.stage import detect
from tasks.errors import BadInput
from tasks.params import Compute, ParamSections
from tasks.weights.download import compute_sha256

IMAGES = (".jpg", ".jpeg", ".png")
SCORE_THRESHOLD = 0.001  # AP needs the weak detections too; ultralytics' own validation starts here
PERSON = "person"  # the first of COCO's classes
MAX_DETECTIONS = 100  # COCO's largest maxDets


@dataclass(frozen=True)
class CocoImage:
    """One image and its labelled objects."""

    name: str
    file: Path
    class_id: NDArray[np.int64]
    xywh: NDArray[np.float64]
    """(n, 4) centre and size, as fractions of the image."""

    def keep_class(self, class_id: int) -> CocoImage:
        """The image with only its objects of one class."""
        rows = self.class_id == class_id
        return replace(self, class_id=self.class_id[rows], xywh=self.xywh[rows])


@click.command(cls=ValuesCommand)
@DATA_OPTION
@click.option("--weights", help="score this name or file instead of detect.weights in params.yaml")
@click.option("--people", is_flag=True, help="score people alone, for detectors that know no other class")
@SAVE_OPTION
@JSON_OPTION
def command(**options: Any) -> int:
    """Score detection on COCO-like images: AP and AP50."""
    return run_suite(evaluate, options)


def evaluate(arguments: argparse.Namespace, params: ParamSections) -> SuiteScores:
    """AP and AP50 of the detector per image and over all, with the section `detect` except for what AP prescribes."""
    values = params.get_section(DetectParams).model_dump()
    prescribed = {
        "score_threshold": SCORE_THRESHOLD,
        "classes": (PERSON,) if arguments.people else None,
        "max_detections": HEAD_LIMIT,
    }
    chosen = {"weights": name_weights(arguments.weights)} if arguments.weights else {}
    settings = DetectParams.model_validate(values | prescribed | chosen)
    labelled = read_coco_images(arguments.data)
    labelled = [image.keep_class(0) for image in labelled] if arguments.people else labelled
    found = [detect_image(image.file, settings, params.get_section(Compute)) for image in labelled]
    return score_detections(labelled, found)


def name_weights(given: str) -> str | DetectorFile:
    """A name of the catalogue as it is, a file with its sha256."""
    file = Path(given)
    return DetectorFile(path=given, sha256=compute_sha256(file)) if file.is_file() else given


def read_coco_images(data: Path) -> list[CocoImage]:
    """All images below `data`/images with their objects, by name; BadInput without images or with an invalid line."""
    folder = data / "images"
    files = sorted(file for file in folder.rglob("*") if file.suffix.lower() in IMAGES)
    if not files:
        raise BadInput(f"{folder} must hold images ({', '.join(IMAGES)}), got none")
    names = [file.relative_to(folder).with_suffix("").as_posix() for file in files]
    labels = {p.relative_to(data / "labels").with_suffix("").as_posix() for p in (data / "labels").rglob("*.txt")}
    if orphans := sorted(labels - set(names)):
        raise BadInput(f"every label file must have an image, got labels/{orphans[0]}.txt without one")
    return [
        _read_image_labels(name, file, data / "labels" / f"{name}.txt") for name, file in zip(names, files, strict=True)
    ]


def _read_image_labels(name: str, file: Path, labels: Path) -> CocoImage:
    rows: list[list[float]] = []
    for number, line in enumerate(labels.read_text().splitlines() if labels.exists() else (), 1):
        try:
            class_id, *box = map(float, line.split())
            if len(box) != 4 or not class_id.is_integer():  # noqa: PLR2004  x, y, width, height
                raise ValueError
        except ValueError:
            raise BadInput(f"{labels}:{number} must be `class x y w h`, got {line!r}") from None
        rows.append([class_id, *box])
    table = np.array(rows).reshape(-1, 5)
    return CocoImage(name, file, table[:, 0].astype(np.int64), table[:, 1:])


def detect_image(file: Path, params: DetectParams, compute: Compute) -> Detections:
    """The stage's detections in an image, which it gets as a video of one frame."""
    import cv2

    image = cv2.imread(str(file), cv2.IMREAD_COLOR_RGB)
    if image is None:
        raise BadInput(f"{file} must be an image, got something that cannot be read")
    with tempfile.TemporaryDirectory() as folder:
        return detect(
            make_one_frame_video(image.astype(np.uint8, copy=False), Path(folder) / "frames.parquet"), params, compute
        )


def make_one_frame_video(image: Image, path: Path) -> Frames:
    """A frames artifact at `path` whose one frame is `image`, unchanged."""
    height, width = image.shape[:2]
    account = DecodeReport(
        file=path.name,
        container="image",
        codec="rawvideo",
        pixel_format="rgb24",
        source_width=width,
        source_height=height,
        rotation_deg=0,
        fps=1.0,
        vfr=False,
        duration_s=1.0,
        expected=1,
        decoded=1,
        damaged=0,
        lost=0,
        kept=1,
        width=width,
        height=height,
        encoding="raw",
    )
    return Frames.stream([Frame(0, 0.0, "ok", image)], lambda: account, encoding="raw").to(path)


def score_detections(labelled: Sequence[CocoImage], found: Sequence[Detections]) -> SuiteScores:
    """COCO's metrics of `found`, one per image of `labelled`, in its order."""
    truth, guesses = _as_coco(labelled, found)
    items = {
        image.name: {"objects": float(len(image.class_id)), "detections": float(len(seen))}
        | _average_precision(truth, guesses, [number])
        for number, (image, seen) in enumerate(zip(labelled, found, strict=True))
    }
    return SuiteScores("coco", items, _average_precision(truth, guesses, list(range(len(labelled)))))


def _as_coco(labelled: Sequence[CocoImage], found: Sequence[Detections]) -> tuple[Any, Any]:
    """Ground truth and detections as pycocotools' objects: boxes as left, top, width and height in pixels."""
    objects: list[dict[str, Any]] = []
    guesses: list[dict[str, Any]] = []
    for number, (image, seen) in enumerate(zip(labelled, found, strict=True)):
        size = np.array([seen.width, seen.height, seen.width, seen.height])
        boxes = np.hstack([image.xywh[:, :2] - image.xywh[:, 2:] / 2, image.xywh[:, 2:]]) * size
        objects += [_annotation(number, c, box) for c, box in zip(image.class_id, boxes, strict=True)]
        boxes = np.hstack([seen.xyxy[:, :2], seen.xyxy[:, 2:] - seen.xyxy[:, :2]]).astype(np.float64)
        guesses += [
            {**_annotation(number, c, box), "score": float(s)}
            for c, box, s in zip(seen.class_id, boxes, seen.score, strict=True)
        ]
    images, classes = range(len(labelled)), sorted({each["category_id"] for each in objects})
    return _index_annotations(images, classes, objects), _index_annotations(images, classes, guesses)


def _annotation(image: int, class_id: int, box: NDArray[np.float64]) -> dict[str, Any]:
    area = float(box[2] * box[3])
    return {"image_id": image, "category_id": int(class_id), "bbox": box.tolist(), "area": area, "iscrowd": 0}


def _index_annotations(images: Sequence[int], classes: Sequence[int], annotations: Sequence[dict[str, Any]]) -> Any:
    from pycocotools.coco import COCO

    coco: Any = COCO()
    coco.dataset = {
        "images": [{"id": number} for number in images],
        "categories": [{"id": number} for number in classes],
        "annotations": [{"id": n, **fields} for n, fields in enumerate(annotations, 1)],  # 0 means unmatched there
    }
    with _silence_stdout():
        coco.createIndex()
    return coco


def _average_precision(truth: Any, guesses: Any, images: list[int]) -> dict[str, float]:
    """AP and AP50 over `images`; empty where they have no object, as neither is defined then."""
    from pycocotools.cocoeval import COCOeval

    classes = sorted({truth.anns[n]["category_id"] for n in truth.getAnnIds(imgIds=images)})
    if not classes:
        return {}
    evaluation: Any = COCOeval(truth, guesses, "bbox")
    evaluation.params.imgIds, evaluation.params.catIds = images, classes
    evaluation.params.maxDets = [MAX_DETECTIONS]
    evaluation.params.areaRng, evaluation.params.areaRngLbl = [evaluation.params.areaRng[0]], ["all"]
    with _silence_stdout():
        evaluation.evaluate()
        evaluation.accumulate()
    precision: NDArray[np.float64] = evaluation.eval["precision"]  # IoU threshold, recall, class, area, maxDets
    return {"AP": float(precision.mean()), "AP50": float(precision[0].mean())}


@contextlib.contextmanager
def _silence_stdout() -> Generator[None]:
    """Discard what pycocotools prints to stdout, which is for the result."""
    with Path(os.devnull).open("w") as nowhere, contextlib.redirect_stdout(nowhere):
        yield
