"""Reading COCO JSON with a `track_id`, as semflow or CVAT write it."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from pathlib import Path
from typing import Any

from flows.export.annotated_boxes import AnnotatedBox, AnnotatedFilm, check_box, parse_export_mark
from tasks.errors import BadInput
from tasks.text import read_text

NUMBER = re.compile(r"(?:(?P<video>.+)/)?(?:\w*?[_-])?(?P<frame>\d+)\.\w+\Z")


def read_coco(path: Path) -> list[AnnotatedFilm]:
    """The annotations of each film in the file; BadInput where it is not this format, with what to do.

    A film is known by `video` of an image, or the folder of its file name; a frame by `film_frame`, or the number in
    the file name. An annotation without a `track_id` is a new object.
    """
    try:
        value: Any = json.loads(read_text(path, path.name))
        images: list[dict[str, Any]] = value["images"]
        names = {row["id"]: row["name"] for row in value["categories"]}
        rows: list[dict[str, Any]] = value["annotations"]
        marks: dict[str, str] = value.get("info", {}).get("exported_tracks", {})
        placed = {row["id"]: _place_image(row) for row in images}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadInput(
            f"{path.name}: must be COCO JSON with images, annotations and categories, got {error!r}"
        ) from None
    boxes: dict[str, list[AnnotatedBox]] = defaultdict(list)
    sizes: dict[str, tuple[int, int]] = {}
    frames: dict[str, list[int]] = defaultdict(list)
    for row in images:
        video, frame = placed[row["id"]]
        frames[video].append(frame)
        if sizes.setdefault(video, (row["width"], row["height"])) != (row["width"], row["height"]):
            raise BadInput(f"{path.name}: images of {video} must have one size, got others")
    for row in rows:
        try:
            video, frame = placed[row["image_id"]]
            left, top, width, height = map(float, row["bbox"])
            identity = int(row.get("attributes", {}).get("track_id") or row.get("track_id") or 0)
            name = names[row["category_id"]]
        except (KeyError, TypeError, ValueError) as error:
            raise BadInput(f"{path.name}: annotation {row.get('id')} must be whole, got {error!r}") from None
        where = f"{path.name}: annotation {row.get('id')}"
        xyxy = check_box((left, top, left + width, top + height), where)
        # Without a number of its own a box is an object alone.
        boxes[video].append(AnnotatedBox(frame, xyxy, name, identity, "" if identity else str(row.get("id"))))
    return [
        AnnotatedFilm(video, *sizes[video], frozenset(seen), boxes[video], *parse_export_mark(marks.get(video, "")))
        for video, seen in frames.items()
    ]


def _place_image(row: dict[str, Any]) -> tuple[str, int]:
    """Film and frame of an image."""
    found = NUMBER.match(row["file_name"])
    video = row.get("video") or (found["video"] if found else "") or ""
    frame = row.get("film_frame", row.get("frame", int(found["frame"]) if found else None))
    if frame is None:
        raise ValueError(f"a file name without a frame number, {row['file_name']!r}")
    return video, int(frame)
