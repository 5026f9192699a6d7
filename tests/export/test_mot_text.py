"""MOTChallenge text, read back by TrackEval."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np

from tasks.artifacts.tracks import Tracks
from tests.export.conftest import SCALE, VIDEO


def read_by_trackeval(folder: Path, work: Path) -> dict[str, Any]:
    """What TrackEval reads of the results in `folder`; they also stand for the ground truth, which it insists on."""
    from trackeval.datasets import MotChallenge2DBox

    truth = work / "gt" / VIDEO
    shutil.copytree(folder / VIDEO, truth)
    (truth / "gt").mkdir()
    rows = np.loadtxt(folder / f"{VIDEO}.txt", delimiter=",", ndmin=2)
    rows[:, 6:9] = 1
    np.savetxt(truth / "gt/gt.txt", rows[:, :9], delimiter=",", fmt="%g")
    (work / "trackers/semflow/data").mkdir(parents=True)
    shutil.copy(folder / f"{VIDEO}.txt", work / "trackers/semflow/data")
    reader: Any = MotChallenge2DBox(
        {
            "GT_FOLDER": str(work / "gt"),
            "TRACKERS_FOLDER": str(work / "trackers"),
            "OUTPUT_FOLDER": str(work),
            "TRACKERS_TO_EVAL": ["semflow"],
            "SEQ_INFO": {VIDEO: None},
            "SKIP_SPLIT_FOL": True,
            "PRINT_CONFIG": False,
        }
    )
    return reader.get_raw_seq_data("semflow", VIDEO)


def test_trackeval_reads_the_same_boxes_and_identities(semflow: Any, tracks: Tracks, tmp_path: Path) -> None:
    assert semflow("export", "mot", VIDEO, "--out", str(tmp_path / "mot"))["code"] == 0
    found = read_by_trackeval(tmp_path / "mot", tmp_path)
    assert found["num_timesteps"] == tracks.frame_count
    for frame in range(tracks.frame_count):
        rows = tracks.take(tracks.frame == frame)
        left, top, width, height = found["tracker_dets"][frame].T
        assert found["tracker_ids"][frame].tolist() == rows.track_id.tolist()
        boxes = np.stack([left - 1, top - 1, left - 1 + width, top - 1 + height], axis=1)
        assert np.allclose(boxes, rows.xyxy * SCALE, atol=0.011), "pixels of the film, from 1"
        assert np.allclose(found["tracker_confidences"][frame], rows.score, atol=1e-4)


def test_classes_limit_what_is_written(semflow: Any, tracks: Tracks, tmp_path: Path) -> None:
    semflow("export", "mot", "--out", str(tmp_path / "mot"), "--classes", "car")
    rows = np.loadtxt(tmp_path / f"mot/{VIDEO}.txt", delimiter=",")
    assert set(rows[:, 1]) == {3}
    assert len(rows) == (tracks.class_name == "car").sum()
