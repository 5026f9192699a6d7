"""COCO JSON: `annotations.json` with images, boxes, keypoints and masks of the tracked objects of all videos.

Format: Lin et al., "Microsoft COCO", 2014, cocodataset.org/#format-data, as pycocotools reads it. Pixels are those of
the images, at working size; `--images` writes these as `images/<video>/000012.jpg`. Keypoints are COCO's 17, visible
(2) where trusted, else 0. `track_id`, `score`, `video` and `frame` are more than COCO knows; its readers ignore them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from flows.export.annotated_boxes import make_export_mark
from flows.export.export_options import ExportOptions
from flows.export.export_source import ExportSource
from flows.export.film_tracks import select_classes
from tasks.artifacts.masks import NO_MASK, Masks
from tasks.artifacts.poses import COCO_KEYPOINTS, SKELETON_EDGES, Poses
from tasks.artifacts.tracks import Tracks
from tasks.content_hash import md5_file

PERSON = "person"
VISIBLE = 2
JPEG_QUALITY = 95
Categories = Mapping[str, int]


def export_coco(sources: Sequence[ExportSource], folder: Path, options: ExportOptions) -> None:
    """Write one file for all videos and, if asked for, their images."""
    tracks = {source.name: select_classes(source.load(Tracks), options.classes) for source in sources}
    categories = number_categories(tracks.values())
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for source in sources:
        first = len(images) + 1
        images += _make_images(source, first)
        annotations += _make_annotations(source, tracks[source.name], first, categories)
        if options.images:
            write_images(source, folder / "images" / source.file_stem)
    for number, annotation in enumerate(annotations, 1):
        annotation["id"] = number
    value = {
        "info": {
            "description": "tracked objects, made by semflow",
            "exported_tracks": {
                source.name: make_export_mark(md5_file(source.path(Tracks)), options.classes) for source in sources
            },
        },
        "licenses": [],
        "images": images,
        "annotations": annotations,
        "categories": [_make_category(name, number) for name, number in categories.items()],
    }
    (folder / "annotations.json").write_text(json.dumps(value), encoding="utf-8")


def number_categories(tables: Iterable[Tracks]) -> Categories:
    """Class name to a number from 1, in the order of the detector's classes."""
    classes = {(int(number), str(name)) for t in tables for number, name in zip(t.class_id, t.class_name, strict=True)}
    return {name: place for place, name in enumerate(dict.fromkeys(name for _, name in sorted(classes)), 1)}


def write_images(source: ExportSource, folder: Path) -> None:
    """Write the undamaged images of a video as `<frame>.jpg`, from its frames artifact or its film."""
    import cv2

    folder.mkdir(parents=True)
    for frame, image in source.timeline.read_images():
        path = str(folder / f"{frame:06d}.jpg")
        cv2.imwrite(path, image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])


def _make_images(source: ExportSource, first: int) -> Iterator[dict[str, Any]]:
    timeline = source.timeline
    for frame, pts_s in enumerate(timeline.pts_s.tolist()):
        yield {
            "id": first + frame,
            "file_name": f"{source.file_stem}/{frame:06d}.jpg",
            "width": timeline.width,
            "height": timeline.height,
            "video": source.name,
            "frame": frame,
            "film_frame": int(timeline.film_frame[frame]),
            "pts_s": pts_s,
        }


def _make_annotations(
    source: ExportSource, tracks: Tracks, first: int, categories: Categories
) -> Iterator[dict[str, Any]]:
    masks, keypoints = source.find(Masks), _read_keypoints(source)
    size = [source.timeline.height, source.timeline.width]
    boxes = tracks.xyxy.astype(np.float64)
    for row, (frame, track_id, detection) in enumerate(
        zip(tracks.frame.tolist(), tracks.track_id.tolist(), tracks.detection.tolist(), strict=True)
    ):
        left, top, right, bottom = boxes[row].tolist()
        found: dict[str, Any] = {
            "id": 0,
            "image_id": first + frame,
            "category_id": categories[tracks.class_name[row]],
            "bbox": [left, top, right - left, bottom - top],
            "area": (right - left) * (bottom - top),
            "segmentation": [],
            "iscrowd": 0,
            "track_id": track_id,
            "attributes": {"track_id": track_id},
            "score": float(tracks.score[row]),
        }
        if masks is not None and 0 <= detection < len(masks) and masks.rle[detection] != NO_MASK:
            found["segmentation"] = {"size": size, "counts": masks.rle[detection]}
            found["area"] = int(masks.area[detection])
        if (frame, track_id) in keypoints:
            found["keypoints"] = keypoints[frame, track_id]
            found["num_keypoints"] = sum(flag == VISIBLE for flag in found["keypoints"][2::3])
        yield found


def _read_keypoints(source: ExportSource) -> dict[tuple[int, int], list[float]]:
    """(frame, identity) to COCO's list of x, y and visibility of 17 keypoints."""
    poses = source.find(Poses)
    if poses is None:
        return {}
    count = len(COCO_KEYPOINTS)
    trusted = poses.trusted[:, :count]
    xy = np.where(trusted[..., None], poses.xy[:, :count], 0).astype(np.float64)
    rows = np.concatenate([xy, np.where(trusted, VISIBLE, 0)[..., None]], axis=2).reshape(len(poses), -1)
    keys = zip(poses.frame.tolist(), poses.track_id.tolist(), strict=True)
    return {key: _whole_flags(row) for key, row in zip(keys, rows.tolist(), strict=True)}


def _whole_flags(row: list[float]) -> list[float]:
    """The same numbers with visibility as whole numbers, which is how COCO writes them."""
    return [int(value) if place % 3 == VISIBLE else value for place, value in enumerate(row)]


def _make_category(name: str, number: int) -> dict[str, Any]:
    found: dict[str, Any] = {"id": number, "name": name, "supercategory": ""}
    if name == PERSON:
        count = len(COCO_KEYPOINTS)
        found["keypoints"] = list(COCO_KEYPOINTS)
        found["skeleton"] = [[a + 1, b + 1] for a, b in SKELETON_EDGES if max(a, b) < count]
    return found
