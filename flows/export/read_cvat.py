"""Reading "CVAT for video 1.1": an export of CVAT, or one of semflow that was edited."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

from flows.export.annotated_boxes import AnnotatedBox, AnnotatedFilm, check_box, parse_export_mark
from flows.export.cvat_xml import EXPORT, IDENTITY
from tasks.errors import BadInput

SIDES = ("xtl", "ytl", "xbr", "ybr")


def read_cvat(path: Path) -> list[AnnotatedFilm]:
    """The annotations of the file; BadInput where it is not this format, with what to do."""
    try:
        root = ET.parse(path).getroot()
    except ET.ParseError as error:
        raise BadInput(f"{path.name}: must be XML, got {error}") from None
    if root.tag != "annotations" or root.find("image") is not None or root.find("meta") is None:
        raise BadInput(
            f"{path.name}: must be an export of CVAT as 'CVAT for video 1.1', got "
            f"{'images' if root.find('image') is not None else root.tag}; export it as that"
        )
    task = next(
        (found for name in ("task", "job", "project") if (found := root.find(f"meta/{name}")) is not None), root
    )
    if (task.findtext("frame_filter") or "").strip():
        raise BadInput(
            f"{path.name}: the task must have every frame of the film, got the filter "
            f"{task.findtext('frame_filter')!r}; make the task without a frame step"
        )
    boxes = list(_read_boxes(root, path.name))
    marks = Counter(element.text or "" for element in root.iter("attribute") if element.get("name") == EXPORT)
    base, classes = parse_export_mark(marks.most_common(1)[0][0]) if marks else ("", ())
    last = _number(task, "stop_frame", _number(task, "size", 1) - 1)
    found = AnnotatedFilm(
        name=task.findtext("source") or root.findtext("meta/source") or "",
        width=_number(root, ".//original_size/width", 0),
        height=_number(root, ".//original_size/height", 0),
        frames=range(_number(task, "start_frame", 0), max([last, *(box.frame for box in boxes)]) + 1),
        boxes=boxes,
        base=base,
        classes=classes,
    )
    if not found.width or not found.height:
        raise BadInput(f"{path.name}: original_size must give width and height of the film, got none")
    return [found]


def _read_boxes(root: ET.Element, name: str) -> Iterator[AnnotatedBox]:
    """The boxes of all frames: CVAT writes those between key frames too."""
    for track in root.iter("track"):
        number, label = track.get("id", ""), track.get("label", "")
        where = f"{name}: track {number}"
        for box in track.iter("box"):
            if box.get("outside") == "1":
                continue
            try:
                frame, sides = int(box.get("frame", "")), [float(box.get(side, "")) for side in SIDES]
            except ValueError:
                raise BadInput(f"{where}: a box must have frame, {', '.join(SIDES)}, got {dict(box.items())}") from None
            xyxy = check_box(sides, f"{where}, frame {frame}")
            yield AnnotatedBox(frame, xyxy, label, _read_identity(box, where), number)


def _read_identity(box: ET.Element, where: str) -> int:
    for attribute in box.iter("attribute"):
        if attribute.get("name") == IDENTITY:
            text = (attribute.text or "0").strip()
            if not text.isdecimal():
                raise BadInput(f"{where}: {IDENTITY} must be a whole number from 0 on, got {text!r}")
            return int(text)
    return 0


def _number(element: ET.Element, name: str, otherwise: int) -> int:
    text = (element.findtext(name) or "").strip()
    return int(text) if text.isdecimal() else otherwise
