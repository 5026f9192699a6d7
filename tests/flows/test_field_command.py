"""`semflow field`: points, labels on all frames, a thing taken out."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pytest

from flows import field
from tasks.artifacts.point_tracks import PointTracks
from tasks.artifacts.tracks import Tracks
from tasks.errors import SemflowError
from tasks.fit_field.taken import thing_masks
from tasks.synthetic.scene import inputs
from tasks.synthetic.scene.scene import SceneSettings, make_scene
from tasks.yolo.segment import Segmenter


@pytest.fixture(scope="module")
def scene():
    return make_scene(0, SceneSettings(frames=6))


@pytest.fixture(scope="module")
def root(scene, tmp_path_factory) -> Path:
    """A project in which a scene was decoded and its flow estimated."""
    root = tmp_path_factory.mktemp("project")
    for made, kind in ((inputs.frames(scene), "frames"), (inputs.dense_flow(scene), "dense_flow")):
        (root / "data" / kind).mkdir(parents=True)
        made.save(root / "data" / kind / "clip.parquet")
    tracks_of(scene).save(root / "data" / "frames" / "tracks.parquet")
    (root / "data" / "tracks").mkdir()
    (root / "data" / "frames" / "tracks.parquet").rename(root / "data" / "tracks" / "clip.parquet")
    (root / "params.yaml").write_text("")
    return root


def tracks_of(scene) -> Tracks:
    """The thing that is seen best, with its true boxes."""
    thing = int(np.bincount(scene.instances[scene.instances > 0]).argmax())
    boxes = scene.boxes[thing - 1].astype(np.float32)
    seen = np.flatnonzero(np.isfinite(boxes).all(axis=1)).astype(np.int32)
    count = len(seen)
    return Tracks(
        frame=seen, track_id=np.full(count, 3, np.int32), class_id=np.zeros(count, np.int16),
        class_name=np.full(count, "thing", object), score=np.ones(count, np.float32),
        **dict(zip(("x1", "y1", "x2", "y2"), boxes[seen].T, strict=True)), detection=np.arange(count, dtype=np.int32),
        frame_count=len(scene), width=scene.settings.width, height=scene.settings.height,
    )  # fmt: skip


def command(root: Path, monkeypatch, *words: str) -> int:
    monkeypatch.chdir(root)
    parser = argparse.ArgumentParser()
    field.add_arguments(parser)
    return field.run(parser.parse_args(words))


def test_points_are_followed_into_a_table(root: Path, monkeypatch, capsys) -> None:
    assert command(root, monkeypatch, "track", "clip", "2,60,40", "0,9,9", "--json") == 0
    assert '"good": true' in capsys.readouterr().out
    tracks = PointTracks.load(root / "reports" / "clip" / "field" / "points.parquet")
    assert len(tracks) == 12
    there = (tracks.frame == 2) & (tracks.point == 0)
    assert (tracks.x[there], tracks.y[there]) == (60, 40)


def test_a_thing_is_taken_out_into_a_film(root: Path, monkeypatch) -> None:
    import av

    blind = Segmenter((), lambda image: (np.zeros((0, 7), np.float32), np.zeros((1, 8, 8), np.float32)))
    monkeypatch.setattr("tasks.yolo.segment.load_segmenter", lambda: blind)
    assert command(root, monkeypatch, "remove", "clip", "3") == 0
    with av.open(str(root / "reports" / "clip" / "field" / "without_3.mp4")) as reader:
        pictures = [frame.to_ndarray(format="rgb24") for frame in reader.decode(video=0)]
    assert len(pictures) == 6
    assert pictures[0].shape == (144, 256, 3)


def test_a_box_stands_for_a_thing_that_is_not_segmented(scene, root: Path) -> None:
    tracks = tracks_of(scene)
    frames = field._open(field.Frames, root, "clip")
    blind = Segmenter((), lambda image: (np.zeros((0, 7), np.float32), np.zeros((1, 8, 8), np.float32)))
    masks = thing_masks(frames, tracks, 3, blind, 0.2)
    first = int(tracks.frame[0])
    x1, y1, x2, y2 = tracks.xyxy[0]
    assert masks(first)[int((y1 + y2) / 2), int((x1 + x2) / 2)]
    assert masks(first).sum() >= (x2 - x1 - 1) * (y2 - y1 - 1)
    other = thing_masks(frames, tracks, 9, blind, 0.2)
    assert not other(first).any()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("track", "clip", "here"), "a point must be FRAME,X,Y, got 'here'"),
        (("track", "other", "0,1,1"), "data/dense_flow/other.parquet must exist"),
        (("remove", "clip", "7"), "track must be a track_id of clip, got 7"),
        (("complete", "clip"), "must hold masks of some frames or points.csv"),
    ],
)
def test_what_is_wrong_is_said(root: Path, monkeypatch, words: tuple[str, ...], message: str) -> None:
    with pytest.raises(SemflowError, match=message):
        command(root, monkeypatch, *words)
