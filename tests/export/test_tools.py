"""supervision, Label Studio, movement, WebDataset and Rerun, each read back by its own package."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from flows.export.command import FORMATS, load_exporter
from flows.export.supervision_detections import iterate_detections
from tasks.artifacts.masks import Masks
from tasks.artifacts.poses import COCO_KEYPOINTS, Poses
from tasks.artifacts.tracks import Tracks
from tasks.errors import SemflowError
from tests.export.conftest import SCALE, VIDEO


def test_supervision_writes_the_same_table_of_the_same_detections(
    semflow: Any, made: Path, tracks: Tracks, tmp_path: Path
) -> None:
    supervision = pytest.importorskip("supervision")
    semflow("export", "supervision", "--out", str(tmp_path / "out"))
    with supervision.CSVSink(str(tmp_path / "theirs.csv")) as sink:
        for frame, detections in iterate_detections(tracks):
            sink.append(detections, custom_data={"frame": frame})
    ours, theirs = (
        list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"))))
        for path in (tmp_path / "out" / f"{VIDEO}.csv", tmp_path / "theirs.csv")
    )
    assert [row.pop("pts_s") for row in ours][:4] == ["0.0", "0.0", "0.0", "0.04"]
    assert ours == theirs


def test_supervision_detections_have_masks_identities_and_names(made: Path, tracks: Tracks) -> None:
    pytest.importorskip("supervision")
    masks = Masks.load(Masks.path(made, VIDEO))
    found = dict(iterate_detections(tracks, masks))
    assert len(found) == tracks.frame_count
    rows = np.flatnonzero(tracks.frame == 3)
    assert found[3].tracker_id.tolist() == tracks.track_id[rows].tolist()
    assert found[3]["class_name"].tolist() == tracks.class_name[rows].tolist()
    areas = [masks.area[d] if d >= 0 else 0 for d in tracks.detection[rows]]
    assert found[3].mask.sum((1, 2)).tolist() == areas


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # its reader leaves the file open
def test_webdataset_reads_images_and_objects_and_the_bytes_are_the_same_again(
    semflow: Any, made: Path, tracks: Tracks, tmp_path: Path
) -> None:
    webdataset = pytest.importorskip("webdataset")
    for name in ("one", "two"):
        semflow("export", "webdataset", "--out", str(tmp_path / name))
    shard = tmp_path / "one/semflow-000000.tar"
    assert shard.read_bytes() == (tmp_path / "two/semflow-000000.tar").read_bytes()
    poses = Poses.load(Poses.path(made, VIDEO))
    samples = list(webdataset.WebDataset(str(shard), shardshuffle=False, empty_check=False))
    assert len(samples) == tracks.frame_count
    for frame, sample in enumerate(samples):
        facts = json.loads(sample["json"])
        rows = tracks.take(tracks.frame == frame)
        assert (facts["video"], facts["frame"]) == (VIDEO, frame)
        assert Image.open(io.BytesIO(sample["jpg"])).size == (facts["width"], facts["height"])
        assert [one["track_id"] for one in facts["objects"]] == rows.track_id.tolist()
        assert np.array_equal([one["xyxy"] for one in facts["objects"]], rows.xyxy)
        nose = [one["keypoints"][0][:2] for one in facts["objects"] if "keypoints" in one]
        assert np.array_equal(nose, poses.xy[poses.frame == frame][:, 0])


def test_rerun_reads_the_boxes_images_and_times(semflow: Any, tracks: Tracks, tmp_path: Path) -> None:
    pytest.importorskip("rerun")
    from rerun.chunk import RrdReader

    semflow("export", "rerun", "--out", str(tmp_path / "out"))
    tables: dict[str, list[dict[str, Any]]] = {}
    for chunk in RrdReader(str(tmp_path / "out" / f"{VIDEO}.rrd")).stream().to_chunks():
        tables.setdefault(chunk.entity_path, []).extend(chunk.to_record_batch().to_pylist())
    objects = sorted((row for row in tables["/film/objects"]), key=lambda row: row["frame"])
    assert [row["frame"] for row in objects] == list(range(tracks.frame_count))
    for frame, row in enumerate(objects):
        rows = tracks.take(tracks.frame == frame)
        centre, half = np.array(row["Boxes2D:centers"]), np.array(row["Boxes2D:half_sizes"])
        assert np.allclose(np.concatenate([centre - half, centre + half], 1), rows.xyxy, atol=1e-4)
        assert row["Boxes2D:class_ids"] == rows.track_id.tolist()
        assert row["pts"].total_seconds() == pytest.approx(frame / 25)
    assert len([row for row in tables["/film"] if row.get("EncodedImage:blob")]) == tracks.frame_count


def test_xarray_reads_the_layout_of_movement(semflow: Any, made: Path, tmp_path: Path) -> None:
    xarray = pytest.importorskip("xarray")
    semflow("export", "movement", "--out", str(tmp_path / "out"))
    poses = Poses.load(Poses.path(made, VIDEO))
    with xarray.open_dataset(tmp_path / "out" / f"{VIDEO}.nc") as found:
        assert found.position.dims == ("time", "space", "keypoints", "individuals")
        assert found.confidence.dims == ("time", "keypoints", "individuals")
        assert found.keypoints.values.tolist() == list(COCO_KEYPOINTS)
        for row in range(len(poses)):
            here = {"individuals": f"id_{poses.track_id[row]}", "time": found.time[poses.frame[row]]}
            there = found.position.sel(here).values
            assert np.array_equal(there, poses.xy[row, : len(COCO_KEYPOINTS)].T)
        assert found.attrs["ds_type"] == "poses"


def test_movement_accepts_the_data_set(semflow: Any, tmp_path: Path) -> None:
    validators = pytest.importorskip("movement.validators.datasets", reason="movement brings 60 packages")
    import xarray

    semflow("export", "movement", "--out", str(tmp_path / "out"))
    validators.ValidPosesInputs.validate(xarray.load_dataset(tmp_path / "out" / f"{VIDEO}.nc"))


def test_label_studio_gets_a_region_per_identity_in_per_cent(semflow: Any, tracks: Tracks, tmp_path: Path) -> None:
    semflow("export", "label-studio", "--out", str(tmp_path / "out"))
    task = json.loads((tmp_path / "out/tasks.json").read_text())[0]
    regions = task["predictions"][0]["result"]
    assert [region["meta"]["text"] for region in regions] == [["1"], ["2"], ["3"]]
    size = np.array([tracks.width, tracks.height] * 2) * SCALE
    for region in regions:
        rows = tracks.take(tracks.track_id == int(region["meta"]["text"][0]))
        value = region["value"]
        boxes = np.array([[box[side] for side in ("x", "y", "width", "height")] for box in value["sequence"]])
        edges = np.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], 1) / 100 * size
        assert np.allclose(edges, rows.xyxy * SCALE, atol=1e-3)
        assert [box["frame"] for box in value["sequence"]] == (rows.frame + 1).tolist()
        gap = np.diff(rows.frame, append=tracks.frame_count + 1) > 1
        assert [box["enabled"] for box in value["sequence"]] == (~gap).tolist(), "off where it is absent afterwards"
        assert value["labels"] == [rows.class_name[0]]


def test_label_studio_accepts_the_predictions(semflow: Any, tmp_path: Path) -> None:
    theirs = pytest.importorskip("label_studio_sdk.label_interface", reason="its package brings another OpenCV")
    semflow("export", "label-studio", "--out", str(tmp_path / "out"))
    interface = theirs.LabelInterface((tmp_path / "out/config.xml").read_text())
    interface.validate()
    for task in json.loads((tmp_path / "out/tasks.json").read_text()):
        assert interface.validate_prediction(task["predictions"][0], return_errors=True) == []


def test_a_missing_package_is_named_with_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(FORMATS, "movement", FORMATS["movement"]._replace(package="not_there_at_all"))
    with pytest.raises(SemflowError, match=r"must have the package not_there_at_all.*pip install 'semflow\[export\]'"):
        load_exporter("movement")
