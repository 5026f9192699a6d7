"""CVAT's XML for video: its documented structure, and what Datumaro reads of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from tasks.artifacts.tracks import Tracks
from tests.export.conftest import SCALE, VIDEO


@pytest.fixture
def exported(semflow: Any, tmp_path: Path) -> Path:
    assert semflow("export", "cvat", "--out", str(tmp_path / "cvat"))["code"] == 0
    return tmp_path / "cvat"


def test_datumaro_reads_the_boxes_classes_and_identities(exported: Path, tracks: Tracks) -> None:
    datumaro = pytest.importorskip("datumaro", reason="Datumaro needs an older NumPy: an environment of its own")
    (exported / "labels.json").unlink()
    found = datumaro.Dataset.import_from(str(exported / f"{VIDEO}.xml"), "cvat")
    names = [label.name for label in found.categories()[datumaro.AnnotationType.label]]
    rows = {
        (int(item.id.removeprefix("frame_")), int(a.attributes["identity"])): (names[a.label], a.points)
        for item in found
        for a in item.annotations
        if not a.attributes["outside"]
    }
    assert len(rows) == len(tracks)
    for row in range(len(tracks)):
        name, points = rows[tracks.frame[row], tracks.track_id[row]]
        assert name == tracks.class_name[row]
        assert np.allclose(points, tracks.xyxy[row] * SCALE, atol=0.006)


def test_the_document_has_the_structure_that_cvat_documents(exported: Path, tracks: Tracks) -> None:
    root = ET.parse(exported / f"{VIDEO}.xml").getroot()
    assert root.findtext("version") == "1.1"
    task = root.find("meta/task")
    assert task is not None
    assert task.findtext("mode") == "interpolation"
    assert task.findtext("size") == str(tracks.frame_count)
    assert {label.findtext("name") for label in task.iter("label")} == {"person", "car"}
    numbers = [track.get("id") for track in root.iter("track")]
    assert numbers == ["0", "1", "2"]
    for box in root.iter("box"):
        assert {*box.keys()} == {
            "frame", "xtl", "ytl", "xbr", "ybr", "outside", "occluded", "keyframe", "z_order"
        }  # fmt: skip
        assert 0 <= int(box.get("frame", "")) < tracks.frame_count


def test_an_absent_object_has_a_box_outside_where_its_absence_begins(exported: Path, tracks: Tracks) -> None:
    track = ET.parse(exported / f"{VIDEO}.xml").getroot().findall("track")[2]
    outside = [int(box.get("frame", "")) for box in track.iter("box") if box.get("outside") == "1"]
    assert outside == [tracks.frame_count // 3]


def test_labels_of_the_task_carry_the_attributes_of_the_boxes(exported: Path) -> None:
    labels = json.loads((exported / "labels.json").read_text())
    assert [label["name"] for label in labels] == ["car", "person"]
    box = ET.parse(exported / f"{VIDEO}.xml").getroot().find("track/box")
    assert box is not None
    assert [a["name"] for a in labels[0]["attributes"]] == [a.get("name") for a in box.iter("attribute")]
