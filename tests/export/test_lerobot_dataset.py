"""LeRobot v3: what its own package reads, and that the parts agree."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import av
import numpy as np
import pandas as pd
import pytest

from flows.export.export_source import ExportSource
from flows.export.lerobot_dataset import CAMERA, STATE
from tasks.artifacts.poses import COCO_KEYPOINTS, Poses
from tasks.artifacts.tracks import Tracks
from tests.export.conftest import VIDEO


@pytest.fixture
def dataset(semflow: Any, tmp_path: Path) -> Path:
    assert semflow("export", "lerobot", "--out", str(tmp_path / "out"))["code"] == 0
    return tmp_path / "out"


def test_rows_images_and_description_agree(dataset: Path, made: Path, tracks: Tracks) -> None:
    info = json.loads((dataset / "meta/info.json").read_text())
    place = {"chunk_index": 0, "file_index": 0}
    rows = pd.read_parquet(dataset / info["data_path"].format(**place))
    assert set(rows.columns) == set(info["features"]) - {CAMERA}
    assert len(rows) == info["total_frames"] == tracks.frame_count
    with av.open(str(dataset / info["video_path"].format(video_key=CAMERA, **place))) as film:
        images = [(frame.time, frame.to_ndarray(format="rgb24")) for frame in film.decode(video=0)]
    assert np.allclose([time for time, _ in images], rows["timestamp"], atol=1e-4)
    assert [image.shape for _, image in images] == [tuple(info["features"][CAMERA]["shape"])] * len(rows)
    poses = Poses.load(Poses.path(made, VIDEO))
    first = poses.take(poses.track_id == 1)
    count = len(COCO_KEYPOINTS)
    expected = np.nan_to_num(first.smooth_xy[:, :count] / np.float32([tracks.width, tracks.height]))
    assert np.array_equal(np.stack(rows[STATE].tolist()), expected.reshape(len(rows), -1))
    assert info["features"][STATE]["names"][:2] == ["nose.x", "nose.y"]


def test_statistics_are_those_of_the_rows_and_images(dataset: Path, source: ExportSource) -> None:
    stats = json.loads((dataset / "meta/stats.json").read_text())
    rows = np.stack(pd.read_parquet(dataset / "data/chunk-000/file-000.parquet")[STATE].tolist()).astype(np.float64)
    assert np.allclose(stats[STATE]["mean"], rows.mean(0))
    assert np.allclose(stats[STATE]["std"], rows.std(0))
    pixels = np.concatenate([image.reshape(-1, 3) for _, image in source.timeline.read_images()]) / 255
    for name, values in (("mean", pixels.mean(0)), ("std", pixels.std(0)), ("max", pixels.max(0))):
        assert np.allclose(stats[CAMERA][name], values[:, None, None])


def test_lerobot_reads_its_rows_episodes_and_tasks(dataset: Path, tracks: Tracks) -> None:
    reason = "LeRobot needs other versions of torch: an environment of its own"
    pytest.importorskip("lerobot", reason=reason)
    from tasks.yolo.torchvision_ops import make_torchvision_importable

    make_torchvision_importable()
    theirs = pytest.importorskip("lerobot.datasets.lerobot_dataset", reason=reason)
    found: Any = theirs.LeRobotDataset("semflow/film", root=dataset)
    assert (found.num_episodes, found.num_frames, found.fps) == (1, tracks.frame_count, 25)
    assert found.meta.tasks.index.tolist() == [VIDEO]
    assert float(found.hf_dataset[5]["timestamp"]) == pytest.approx(0.2)
    assert (found.root / found.meta.get_video_file_path(0, CAMERA)).is_file()
