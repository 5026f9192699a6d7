"""CSV, read back by pandas."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tasks.artifacts.poses import COCO_KEYPOINTS, Poses
from tasks.artifacts.tracks import Tracks
from tests.export.conftest import VIDEO


def test_pandas_reads_the_same_tracks_with_video_and_time(semflow: Any, tracks: Tracks, tmp_path: Path) -> None:
    semflow("export", "csv", "--out", str(tmp_path / "csv"))
    found = pd.read_csv(tmp_path / "csv" / VIDEO / "tracks.csv")
    assert len(found) == len(tracks)
    for field in tracks.column_fields():
        if field.name in found.columns and field.name != "pts_s" and field.metadata["dtype"] != "string":
            values = found[field.name].to_numpy().astype(field.metadata["dtype"])
            assert np.array_equal(values, getattr(tracks, field.name)), field.name
    assert found["class_name"].tolist() == tracks.class_name.tolist()
    assert set(found["video"]) == {VIDEO}
    assert np.allclose(found["pts_s"], found["frame"] / 25)


def test_poses_have_a_row_per_keypoint(semflow: Any, made: Path, tmp_path: Path) -> None:
    semflow("export", "csv", "--out", str(tmp_path / "csv"))
    found, poses = pd.read_csv(tmp_path / "csv" / VIDEO / "poses.csv"), Poses.load(Poses.path(made, VIDEO))
    noses = found[found["keypoint"] == "nose"]
    assert np.array_equal(np.asarray(noses["x"], np.float32), poses.x[:, 0])
    assert len(found) == len(poses) * len(COCO_KEYPOINTS)


def test_every_column_that_is_written_is_explained(semflow: Any, tmp_path: Path) -> None:
    semflow("export", "csv", "--out", str(tmp_path / "csv"))
    words = pd.read_csv(tmp_path / "csv/columns.csv", keep_default_na=False)
    named = set(words[words["table"] == "detections"]["column"])
    assert set(pd.read_csv(tmp_path / "csv" / VIDEO / "detections.csv").columns) - named <= {"video", "pts_s"}
