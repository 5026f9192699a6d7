"""A small data set of two films, recorded in git and DVC as `semflow run` records one, its objects in a remote."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from flows.engine.dvc_store.dvc_lock import DirHash, StageRecord, update_lock
from flows.engine.dvc_store.object_store import ObjectStore
from tasks.artifacts.actions import Actions
from tasks.artifacts.artifact import Artifact
from tasks.artifacts.dense_flow import DenseFlow
from tasks.artifacts.features import FeatureMetadata, Features
from tasks.artifacts.flow_encoding import FlowEncoding
from tasks.artifacts.flow_pair import FlowMetadata, FlowPair
from tasks.artifacts.frames import Frames
from tasks.artifacts.frames_file import Frame
from tasks.artifacts.tracks import Tracks
from tasks.content_hash import md5_file
from tasks.geometry.cell_grid import CellGrid
from tests.factories.frames import make_decode_report

HEIGHT, WIDTH = 24, 32
GRID = CellGrid(3, 4, 8, 8, 4, 4)
TIMES = {
    "steady": np.arange(40) / 10,
    "uneven": np.cumsum(np.where(np.arange(30) < 10, 0.05, 0.2)) - 0.05,  # variable frame rate
}
STAGES = {
    "decode": ["frames"], "estimate_flow": ["dense_flow"], "extract_features": ["features"], "track": ["tracks"],
    "classify": ["actions"],
}  # fmt: skip
QUIET = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"]


def git(folder: Path, *arguments: str) -> str:
    author = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b"}  # variables of the process precede git's settings
    command = ["git", "-C", folder, *QUIET, *arguments]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=os.environ | author)
    return done.stdout


def write_film(root: Path, video: str, score: float = 1) -> None:
    """The artifacts of one film: in frame n, the pictures are of grey n, and flow and features say n."""
    pts_s = TIMES[video]
    count = len(pts_s)
    rows = [Frame(n, float(pts_s[n]), "ok", np.full((HEIGHT, WIDTH, 3), n, np.uint8)) for n in range(count)]
    report = replace(make_decode_report((HEIGHT, WIDTH), count, encoding="raw"))
    save(root, video, Frames, Frames.stream(rows, lambda: report, "raw", video=video).save)
    encoding = FlowEncoding(HEIGHT, WIDTH, 1, 32)
    pairs = [
        replace(FlowPair.empty(encoding, 0.0), forward=np.full((HEIGHT, WIDTH, 2), n, np.float32))
        for n in range(count - 1)
    ]
    flow = DenseFlow.stream(pairs, FlowMetadata(count, "dis", encoding, video), pts_s.tolist())
    save(root, video, DenseFlow, flow.save)
    stored = list(range(0, count, 2))
    vectors = np.ones((len(stored), 3, 4, 5)) * np.arange(1, 6)
    facts = FeatureMetadata("none", ("a",), WIDTH, HEIGHT, GRID, video, tuple(pts_s[stored].tolist()))
    save(root, video, Features, Features.from_vectors(vectors, facts, stored, count).save)
    boxes = {"x1": 0, "y1": 0, "x2": 5, "y2": 9}
    tracks = Tracks(
        frame=np.arange(count, dtype=np.int32),
        pts_s=pts_s,
        track_id=np.ones(count, np.int32),
        class_id=np.zeros(count, np.int16),
        class_name=np.full(count, "person", object),
        score=np.full(count, score, np.float32),
        **{name: np.full(count, value, np.float32) for name, value in boxes.items()},
        detection=np.arange(count, dtype=np.int32),
        video=video,
        frame_count=count,
        width=WIDTH,
        height=HEIGHT,
    )
    save(root, video, Tracks, tracks.save)
    save(root, video, Actions, make_actions(video, pts_s).save)


def make_actions(video: str, pts_s: np.ndarray) -> Actions:
    """Two windows: a walk in the first half, a jump in the second."""
    half, last = len(pts_s) // 2, len(pts_s) - 1
    edges = {name: np.zeros(2, np.float32) for name in ("x1", "y1", "x2", "y2")}
    return Actions(
        window=np.arange(2, dtype=np.int32),
        first_frame=np.array([0, half], np.int32),
        last_frame=np.array([half, last], np.int32),
        start_s=pts_s[[0, half]],
        end_s=pts_s[[half, last]],
        looped=np.zeros(2, np.bool_),
        stream=np.full(2, "rgb", object),
        track_id=np.ones(2, np.int32),
        vocabulary=np.full(2, "team", object),
        rank=np.ones(2, np.int16),
        label=np.array(["walk", "jump"], object),
        probability=np.ones(2, np.float32),
        confident=np.ones(2, np.bool_),
        **edges,
        cam_frame=np.zeros(2, np.int32),
        cam=np.zeros((2, 49), np.uint8),
        video=video,
        frame_count=len(pts_s),
        width=WIDTH,
        height=HEIGHT,
        network="i3d",
        notes=[],
        confident_from=0.5,
    )


def save(root: Path, video: str, kind: type[Artifact], write: Callable[[Path], None]) -> None:
    path = kind.path(root, video)
    path.parent.mkdir(parents=True, exist_ok=True)
    write(path)


def record(root: Path, store: ObjectStore) -> None:
    """Put the artifacts of `root` into `store`, and their listings into its dvc.lock."""
    records: list[StageRecord] = []
    for stage, names in STAGES.items():
        outs: dict[str, DirHash] = {}
        for name in names:
            files = {path.name: path for path in sorted((root / "data" / name).iterdir())}
            for path in files.values():
                store.add_file(path, md5_file(path))
            listing = store.write_listing({file: md5_file(path) for file, path in files.items()})
            outs[f"data/{name}"] = DirHash(listing, sum(path.stat().st_size for path in files.values()), len(files))
        records.append(StageRecord(stage, f"semflow stage {stage}", outs=outs))
    update_lock(root, records)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A working copy of both films."""
    root = tmp_path / "project"
    for video in TIMES:
        write_film(root, video)
    (root / "params.yaml").write_text("compute: {}\n")
    return root


@pytest.fixture
def recorded(project: Path, tmp_path: Path) -> Path:
    """The same in git, with the tag v1, at which the score of tracks is 1, while the branch says 0.5; artifacts lie
    only in the remote, a folder."""
    store = ObjectStore(tmp_path / "team/files/md5")
    (project / ".dvc").mkdir()
    config = f"[core]\n    remote = team\n    analytics = false\n['remote \"team\"']\n    url = {tmp_path / 'team'}\n"
    (project / ".dvc/config").write_text(config)
    (project / ".gitignore").write_text("/data\n/.dvc/cache\n/.dvc/tmp\n")
    git(project, "init", "-q", "-b", "main")
    for score, message in ((1, "v1"), (0.5, "v2")):
        for video in TIMES:
            write_film(project, video, score)
        record(project, store)
        git(project, "add", "-A")
        git(project, "commit", "-qm", message)
        git(project, "tag", message)
    return project
