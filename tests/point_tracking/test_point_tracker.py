"""Points that are hidden and seen again, on a scene that knows where they are."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tasks.artifacts.dense_flow import DenseFlow
from tasks.artifacts.flow_pair import FlowMetadata, FlowPair
from tasks.artifacts.point_paths import PointPaths
from tasks.errors import SemflowError
from tasks.point_tracking import point_tracker
from tasks.point_tracking.point_tracker import PointTrackingInputs, PointTracks, track_points
from tasks.synthetic.scene import scene_artifacts
from tasks.synthetic.scene.synthetic_scene import Scene, SceneSettings, make_scene

START = 6


@pytest.fixture(scope="module")
def scene() -> Scene:
    return make_scene(22, SceneSettings(frames=18, height=108, width=192, occlusion=0.7))


@pytest.fixture(scope="module")
def world(scene: Scene, tmp_path_factory: pytest.TempPathFactory) -> PointTrackingInputs:
    folder = tmp_path_factory.mktemp("world")
    flow = scene_artifacts.make_dense_flow(scene).to(folder / "flow.parquet")
    features = scene_artifacts.make_features(scene).to(folder / "features.npy")
    return PointTrackingInputs(flow, features, lambda frame: scene.frames[frame], np.zeros(len(scene) - 1, np.bool_))


@pytest.fixture(scope="module")
def points(scene: Scene) -> np.ndarray:
    """Places on things, spread by a fixed draw."""
    y, x = np.nonzero(scene.instances[START] > 0)
    some = np.random.default_rng(0).choice(len(y), 50, replace=False)
    return np.stack([x[some], y[some]], axis=1).astype(float)


def recall(paths: PointTracks, seen: np.ndarray) -> float:
    return float((paths.visible & seen).sum() / seen.sum())


def test_points_follow_and_come_back(
    scene: Scene, world: PointTrackingInputs, points: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    truth, seen = scene.track_points(START, points)
    found = track_points(world, START, points, len(scene))
    away = np.linalg.norm(found.positions - truth, axis=2)
    both = found.visible & seen
    assert np.median(away[both]) < 0.5
    assert both.sum() / found.visible.sum() > 0.85
    monkeypatch.setattr(point_tracker, "MIN_CORRELATION", 2.0)  # nothing is ever that alike: lost for good
    lost = track_points(world, START, points, len(scene))
    assert recall(found, seen) > recall(lost, seen) + 0.01
    returned = ~lost.visible & found.visible & seen
    assert returned.any()
    assert np.median(away[returned]) < 3


def test_trust_only_falls_away_from_where_a_point_was_chosen(world: PointTrackingInputs, points: np.ndarray) -> None:
    found = track_points(world, START, points, 18).confidence
    assert (found[START] == 1).all()
    assert (np.diff(found[START:], axis=0) <= 1e-6).all()
    assert (np.diff(found[: START + 1], axis=0) >= -1e-6).all()


def test_the_end_of_a_shot_ends_every_point_and_a_missing_frame_none(
    scene: Scene, world: PointTrackingInputs, points: np.ndarray, tmp_path: Path
) -> None:
    cut_at_10 = np.arange(len(scene) - 1) == 10
    cut = track_points(replace(world, boundary=cut_at_10), START, points, len(scene))
    assert not cut.visible[11:].any(), "although flow is valid there, as it may be in a dissolve"
    assert (cut.confidence[11:] == 0).all()
    encoding = world.dense_flow.metadata.encoding
    nothing = FlowPair.empty(encoding)
    pairs = [nothing if n == 10 else world.dense_flow.pair(n) for n in range(len(world.dense_flow))]
    broken = DenseFlow.stream(pairs, FlowMetadata(len(scene), "synthetic", encoding)).to(tmp_path / "broken.parquet")
    missing = track_points(replace(world, dense_flow=broken), START, points, len(scene))
    _, seen = scene.track_points(START, points)
    assert recall(PointTracks(missing.positions[11:], missing.visible[11:], missing.confidence[11:]), seen[11:]) > 0.5


def test_confidence_must_be_a_share() -> None:
    one = np.ones(1, np.float32)
    with pytest.raises(SemflowError, match=r"PointPaths.confidence must lie in 0..1, got 2"):
        PointPaths(
            frame=np.zeros(1, np.int32), point=np.zeros(1, np.int32), x=one, y=one, visible=one > 0,
            confidence=2 * one, frame_count=1, width=2, height=2,
        )  # fmt: skip
