"""A project of one small film with tracks, poses, masks and dense flow, as `semflow run` would leave it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from flows.cli import main
from flows.engine.project import Project
from flows.export.export_source import ExportSource
from tasks.artifacts.detections import Detections
from tasks.artifacts.masks import Masks, encode_mask
from tasks.artifacts.poses import COCO_KEYPOINTS, KEYPOINT_COUNT, KEYPOINTS, Poses
from tasks.artifacts.tracks import Tracks
from tests.decode.film import COUNT, HEIGHT, WIDTH, film
from tests.factories.tracks import make_tracks

VIDEO = "film"
SCALE = 2  # the film is twice as large as the images


@pytest.fixture(scope="session")
def made(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project; its frames are not kept, as after a run."""
    root = tmp_path_factory.mktemp("project")
    text = (checkout / "params.yaml").read_text()
    (root / "params.yaml").write_text(text.replace("max_side: 640", f"max_side: {WIDTH // SCALE}"))
    (root / "data/raw").mkdir(parents=True)
    film(root / "data/raw" / f"{VIDEO}.mp4")
    tracks = make_tracks(COUNT, WIDTH // SCALE, HEIGHT // SCALE)
    for artifact in (tracks, make_detections(tracks), make_poses(tracks), make_masks(tracks)):
        path = type(artifact).path(root, VIDEO)
        path.parent.mkdir(parents=True)
        artifact.save(path)
    return root


def make_detections(tracks: Tracks) -> Detections:
    seen = tracks.take(tracks.detection >= 0)
    names = ("frame", "class_id", "class_name", "score", "x1", "y1", "x2", "y2", "frame_count", "width", "height")
    return Detections(**{name: getattr(seen, name) for name in names})


def make_masks(tracks: Tracks) -> Masks:
    """The left half of each detection's box."""
    seen = make_detections(tracks)
    pixels = np.zeros((len(seen), tracks.height, tracks.width), bool)
    for mask, (left, top, right, bottom) in zip(pixels, seen.xyxy.astype(int), strict=True):
        mask[top:bottom, left : (left + right) // 2] = True
    return Masks(
        frame=seen.frame,
        detection=np.arange(len(seen), dtype=np.int32),
        score=seen.score,
        iou=np.ones(len(seen), np.float32),
        area=pixels.sum((1, 2)).astype(np.int32),
        rle=np.array([encode_mask(mask) for mask in pixels], object),
        frame_count=tracks.frame_count,
        width=tracks.width,
        height=tracks.height,
    )


def make_poses(tracks: Tracks) -> Poses:
    """A pose in each box of a person: COCO's keypoints along its diagonal, the last of them not trusted."""
    people = tracks.take(tracks.class_name == "person")
    share = np.linspace(0, 1, KEYPOINT_COUNT, dtype=np.float32)
    x, y = (
        getattr(people, f"{axis}1")[:, None]
        + share * (getattr(people, f"{axis}2") - getattr(people, f"{axis}1"))[:, None]
        for axis in "xy"
    )
    known = np.arange(KEYPOINT_COUNT) < len(COCO_KEYPOINTS)
    score = np.where(known, np.float32(0.9), np.float32(0)) * np.ones((len(people), 1), np.float32)
    score[:, len(COCO_KEYPOINTS) - 1] = 0.1
    nan = np.float32("nan")
    smooth = known & (score > 0.5)
    return Poses(
        frame=people.frame,
        track_id=people.track_id,
        score=people.score,
        source=np.full(len(people), "whole", object),
        x=np.where(known, x, nan),
        y=np.where(known, y, nan),
        keypoint_score=score,
        smooth_x=np.where(smooth, x, nan),
        smooth_y=np.where(smooth, y, nan),
        frame_count=tracks.frame_count,
        width=tracks.width,
        height=tracks.height,
        trusted_score=0.5,
        skeleton="coco17",
        keypoints=list(KEYPOINTS),
    )


@pytest.fixture
def source(made: Path) -> ExportSource:
    """The film as exports read it."""
    return ExportSource(Project.open(made), VIDEO)


@pytest.fixture
def tracks(made: Path) -> Tracks:
    return Tracks.load(Tracks.path(made, VIDEO))


@pytest.fixture
def semflow(
    made: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., dict[str, Any]]:
    """`semflow ... --json` in the project: its answer."""

    def run(*words: str) -> dict[str, Any]:
        monkeypatch.chdir(made)
        capsys.readouterr()
        code = main.main([*words, "--json"])
        return {**json.loads(capsys.readouterr().out), "code": code}

    return run
