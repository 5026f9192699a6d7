"""CVAT's "CVAT for video 1.1": `<video>.xml` with a track per identity, and `labels.json` for the task's labels.

Format: docs.cvat.ai/docs/dataset_management/formats/format-cvat. Frames and pixels are those of the film, from which
the task is made. Boxes of every frame are key frames, as only these survive an import into CVAT. Two attributes make
the way back exact: `identity`, which may be changed from any frame on, is the identity; `export` is the hash of the
tracks that were written, by which a correction is told from a change that `track` has made since.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np

from flows.export.annotated_boxes import make_export_mark
from flows.export.export_options import ExportOptions
from flows.export.export_source import ExportSource
from flows.export.film_tracks import FilmTracks, read_film_tracks
from tasks.artifacts.tracks import Tracks
from tasks.content_hash import md5_file

IDENTITY, EXPORT = "identity", "export"
"""Names of the attributes. `track_id` would not do: Datumaro, and CVAT with it, calls the number of a track so."""
MAX_IDENTITY = 1_000_000
DECIMALS = 2
COLOURS = ("#33ddff", "#ff6037", "#66ff66", "#fafa37", "#cc3366", "#8c78f0", "#2a7dd1", "#ff9933")


def export_cvat(sources: Sequence[ExportSource], folder: Path, options: ExportOptions) -> None:
    """Write the tracks of each video, and the labels of all."""
    names: dict[str, None] = {}
    for source in sources:
        tracks = read_film_tracks(source, options.classes)
        names |= dict.fromkeys(sorted(set(tracks.class_name.tolist())))
        tree = make_cvat_tree(source, tracks, make_export_mark(md5_file(source.path(Tracks)), options.classes))
        ET.indent(tree)
        tree.write(folder / f"{source.file_stem}.xml", encoding="utf-8", xml_declaration=True)
    (folder / "labels.json").write_text(json.dumps(make_labels(list(names)), indent=1) + "\n", encoding="utf-8")


def make_cvat_tree(source: ExportSource, tracks: FilmTracks, export: str) -> ET.ElementTree[ET.Element]:
    """The document of one video; `export` is the mark of what was exported."""
    timeline = source.timeline
    length = int(timeline.film_frame[-1]) + 1 if len(timeline) else 0
    root = ET.Element("annotations")
    _add(root, "version", "1.1")
    task = ET.SubElement(ET.SubElement(root, "meta"), "task")
    width, height = timeline.film_size
    facts = {"name": source.name, "size": length, "mode": "interpolation", "overlap": 0, "start_frame": 0}
    facts |= {"stop_frame": max(length - 1, 0), "frame_filter": ""}
    for name, value in facts.items():
        _add(task, name, str(value))
    labels = ET.SubElement(task, "labels")
    for label in make_labels(sorted(set(tracks.class_name.tolist()))):
        _add_label(labels, label)
    size = ET.SubElement(task, "original_size")
    _add(size, "width", str(width))
    _add(size, "height", str(height))
    _add(task, "source", timeline.report.file)
    for number, identity in enumerate(np.unique(tracks.track_id).tolist()):
        _add_track(root, number, tracks, np.flatnonzero(tracks.track_id == identity), (export, length))
    return ET.ElementTree(root)


def make_labels(names: Sequence[str]) -> list[dict[str, Any]]:
    """Labels as the raw editor of CVAT's task form takes them."""
    identity = {"name": IDENTITY, "input_type": "number", "mutable": True, "values": ["0", str(MAX_IDENTITY), "1"]}
    export = {"name": EXPORT, "input_type": "text", "mutable": False, "values": [""]}
    attributes = [identity | {"default_value": "0"}, export | {"default_value": ""}]
    return [
        {"name": name, "color": COLOURS[place % len(COLOURS)], "type": "any", "attributes": attributes}
        for place, name in enumerate(names)
    ]


def _add_label(labels: ET.Element, label: dict[str, Any]) -> None:
    element = ET.SubElement(labels, "label")
    for name in ("name", "color", "type"):
        _add(element, name, str(label[name]))
    attributes = ET.SubElement(element, "attributes")
    for attribute in label["attributes"]:
        one = ET.SubElement(attributes, "attribute")
        for name in ("name", "mutable", "input_type", "default_value"):
            _add(one, name, str(attribute[name]))
        _add(one, "values", "\n".join(attribute["values"]))


def _add_track(root: ET.Element, number: int, tracks: FilmTracks, rows: np.ndarray, marks: tuple[str, int]) -> None:
    """One identity; where it is absent after a frame it has a box with `outside`, as CVAT carries boxes on."""
    export, length = marks
    element = ET.SubElement(root, "track", id=str(number), label=str(tracks.class_name[rows[0]]), source="auto")
    following = [*tracks.frame[rows[1:]].tolist(), length]
    for row, after in zip(rows.tolist(), following, strict=True):
        frame, box = int(tracks.frame[row]), tracks.xyxy[row].tolist()
        values = (str(int(tracks.track_id[row])), export)
        _add_box(element, frame, box, values, occluded=not tracks.seen[row])
        if frame + 1 < after:
            _add_box(element, frame + 1, box, values, outside=True)


def _add_box(
    track: ET.Element,
    frame: int,
    box: Sequence[float],
    values: tuple[str, str],
    *,
    occluded: bool = False,
    outside: bool = False,
) -> None:
    sides = {name: f"{side:.{DECIMALS}f}" for name, side in zip(("xtl", "ytl", "xbr", "ybr"), box, strict=True)}
    flags = {"keyframe": "1", "outside": str(int(outside)), "occluded": str(int(occluded))}
    element = ET.SubElement(track, "box", {"frame": str(frame), **flags, **sides, "z_order": "0"})
    for name, value in zip((IDENTITY, EXPORT), values, strict=True):
        ET.SubElement(element, "attribute", name=name).text = value


def _add(parent: ET.Element, name: str, text: str) -> None:
    ET.SubElement(parent, name).text = text
