"""`semflow track-object`: a box is tracked, and written as tables and an overlay video."""

from __future__ import annotations

import json
from pathlib import Path

import av
import numpy as np
import pandas as pd
import pytest

from flows.apps import track_object
from tasks.artifacts.dense_flow import DenseFlow
from tasks.artifacts.features import Features
from tasks.artifacts.frames import Frames
from tasks.artifacts.object_track import ObjectTrack
from tasks.errors import SemflowError
from tasks.geometry.bounding_boxes import pairwise_iou
from tasks.synthetic.scene import scene_artifacts
from tasks.synthetic.scene.synthetic_scene import Scene, SceneSettings, make_scene


@pytest.fixture(scope="module")
def scene() -> Scene:
    return make_scene(2, SceneSettings(frames=6, height=96, width=160, actors=2, leaving=0, occlusion=0, camera=0))


@pytest.fixture
def project(scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "params.yaml").write_text("")
    for kind, made in (
        (Frames, scene_artifacts.make_frames(scene)),
        (Features, scene_artifacts.make_features(scene)),
        (DenseFlow, scene_artifacts.make_dense_flow(scene)),
    ):
        path = kind.path(tmp_path, "clip")
        path.parent.mkdir(parents=True)
        made.save(path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*words: str) -> int:
    return track_object.command.main(words, standalone_mode=False)


def given(scene: Scene, frame: int = 0) -> str:
    return ",".join(f"{side:.1f}" for side in scene.boxes[1, frame].clip(0))


def test_the_object_is_tracked_and_written_as_tables_and_a_video(
    project: Path, scene: Scene, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("clip", "--box", given(scene, 1), "--frame", "1", "--json") == 0
    said = json.loads(capsys.readouterr().out)
    parquet, csv, film = (Path(path) for path in said["files"])
    assert parquet.parent == project / "objects" / "clip"
    track = ObjectTrack.load(parquet)
    assert track.frame.tolist() == [1, 2, 3, 4, 5]
    assert said["found"] == track.found.sum() == 5
    assert track.by == "semantic"
    overlap = np.diag(pairwise_iou(track.xyxy.astype(float), scene.boxes[1, 1:].astype(float)))
    assert overlap.min() > 0.6
    assert pd.read_csv(csv).frame.tolist() == track.frame.tolist()
    with av.open(str(film)) as container:
        assert sum(1 for _ in container.decode(video=0)) == 5


def test_the_same_call_gives_the_same_bytes(project: Path, scene: Scene, tmp_path: Path) -> None:
    for folder in ("a", "b"):
        run("clip", "--box", given(scene), "--out", str(tmp_path / folder))
    first, second = (sorted((tmp_path / folder).iterdir()) for folder in ("a", "b"))
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]
    assert len(first) == 3


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--box", "1,2,3"), "--box must be four numbers"),
        (("--box", "30,10,20,40"), "x1 < x2"),
        (("--box", "10,10,900,40"), "within the 160x96 frame"),
        (("--box", "10,10,20,40", "--frame", "6"), r"--frame must lie in \[0, 6\), got 6"),
    ],
)
def test_invalid_arguments_are_refused(project: Path, words: tuple[str, ...], message: str) -> None:
    with pytest.raises(SemflowError, match=message):
        run("clip", *words)


def test_a_video_without_artifacts_is_refused_with_those_that_are_there(project: Path) -> None:
    with pytest.raises(SemflowError, match=r"got 'other'; there are clip: run `semflow run` first"):
        run("other", "--box", "1,1,9,9")


def test_the_method_is_written_with_the_track(project: Path, scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    """Lucas-Kanade loses an object that moves 11 px a frame: its boxes are held to the truth in tests/track."""
    assert run("clip", "--box", given(scene), "--method", "lucas-kanade", "--json") == 0
    parquet, *_ = (Path(path) for path in json.loads(capsys.readouterr().out)["files"])
    assert parquet.stem.endswith("-lucas-kanade")
    track = ObjectTrack.load(parquet)
    assert track.by == "lucas-kanade"
    assert track.frame.tolist() == [*range(6)]
    assert (track.score == 0).all()


def test_csrt_needs_the_contrib_modules(project: Path, scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    import cv2

    for name in ("TrackerCSRT", "TrackerCSRT_create"):
        monkeypatch.delattr(cv2, name, raising=False)
    with pytest.raises(
        SemflowError,
        match=r"method csrt must have an OpenCV with contrib modules, got one without; run `make opencv-contrib`",
    ):
        run("clip", "--box", given(scene), "--method", "csrt")
