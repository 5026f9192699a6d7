"""The suite of tracking methods on synthetic scenes: its scores by hand, and its rows on a small scene."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

import numpy as np
import pytest

from flows.evaluate import object_tracking as suite
from flows.evaluate.scene_project import make_artifact_path, write_scene_artifacts
from flows.evaluate.tracking_scores import MAX_DRIFT_PX, MAX_ERROR_PX, compute_box_overlaps, score_points
from flows.pipeline import STAGES
from tasks.artifacts.dense_flow import DenseFlow
from tasks.artifacts.features import Features
from tasks.artifacts.frames import Frames
from tasks.artifacts.shots import Shots
from tasks.errors import BadInput
from tasks.params import Compute, ParamSections, read_params
from tasks.point_tracking.point_tracker import PointTracks
from tasks.synthetic.scene import scene_artifacts
from tasks.synthetic.scene.scene_layers import POST
from tasks.synthetic.scene.synthetic_scene import Scene, SceneSettings, make_scene

NAN = float("nan")
SMALL = SceneSettings(frames=5, height=96, width=160, actors=3, leaving=0, occlusion=0, camera=0, light=0)


def write_true_flow(scene: Scene, root: Path, video: str) -> None:
    """The true flow and histograms as features: no network is needed."""
    scene_artifacts.make_frames(scene).save(make_artifact_path(Frames, root, video))
    scene_artifacts.make_dense_flow(scene).save(make_artifact_path(DenseFlow, root, video))
    scene_artifacts.make_features(scene).save(make_artifact_path(Features, root, video))
    shots = Shots.from_cuts(np.zeros(len(scene) - 1, np.bool_), np.arange(len(scene)) / 25)
    shots.save(make_artifact_path(Shots, root, video))


def own_params() -> ParamSections:
    return read_params(
        Path(__file__).parents[2] / "params.yaml", {"compute": Compute} | {one.name: one.params for one in STAGES}
    )


def test_overlaps_are_those_by_hand_and_the_given_frame_does_not_count() -> None:
    truth = np.array([[0, 0, 10, 10], [0, 0, 10, 10], [10, 0, 20, 10], [0, 0, 10, 10]], np.float32)
    rows = [(0, truth[0], True), (1, truth[1], True), (2, np.array([15.0, 0, 25, 10]), True), (3, truth[3], True)]
    assert compute_box_overlaps(rows, truth).tolist() == pytest.approx([1, 1 / 3, 1])


def test_a_frame_in_which_the_object_is_reported_lost_has_no_overlap_and_a_hidden_one_does_not_count() -> None:
    truth = np.array([[0, 0, 10, 10], [0, 0, 10, 10], [NAN] * 4, [0, 0, 10, 10], [0, 0, 10, 10]], np.float32)
    box = truth[0].astype(np.float64)
    rows = [(0, box, True), (1, box, False), (2, box, True), (4, box, True)]  # nothing is said of frame 3
    assert compute_box_overlaps(rows, truth).tolist() == [0, 0, 1]


def test_points_count_where_they_are_seen_and_a_track_survives_to_its_first_failure() -> None:
    truth = np.zeros((5, 2, 2), np.float32)
    seen = np.ones((5, 2), np.bool_)
    tracks = PointTracks.empty(5, 2)
    tracks.visible[:] = True
    tracks.positions[2:, 0, 0] = MAX_ERROR_PX + 1  # off, but on the object
    tracks.positions[3, 1, 1] = MAX_DRIFT_PX + 1  # fails once, and comes back
    found = score_points(tracks, truth, seen)
    assert found.within == pytest.approx((1 + 3) / 8)
    assert found.survival == pytest.approx((4 + 2) / 8)
    seen[3, 1] = False  # what is hidden cannot be missed
    found = score_points(tracks, truth, seen)
    assert found.within == pytest.approx((1 + 3) / 7)
    assert found.survival == 1
    tracks.visible[1:, 1] = False
    assert score_points(tracks, truth, seen).within == pytest.approx(1 / 7)


@pytest.mark.parametrize(("seed", "count"), [(1, 3), (4, 1)])
def test_actors_that_stand_behind_others_are_not_tracked(seed: int, count: int) -> None:
    scene = make_scene(seed, SceneSettings(frames=1, height=96, width=160, actors=6, leaving=0))
    actors = [layer.instance for layer in scene.layers[1:] if layer.class_id != POST]
    alone = {actor: count_pixels_alone(scene, actor) for actor in actors}
    shares = {actor: (scene.instances[0] == actor).sum() / alone[actor] for actor in actors}
    chosen = suite.find_whole_actors(scene)
    assert chosen == [actor for actor in actors if shares[actor] >= suite.MIN_VISIBLE_SHARE]
    assert len(chosen) == count < len(actors)


def test_where_no_actor_is_whole_the_one_seen_most_is_tracked(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = make_scene(1, SceneSettings(frames=1, height=96, width=160, actors=6, leaving=0))
    whole = suite.find_whole_actors(scene)
    monkeypatch.setattr(suite, "MIN_VISIBLE_SHARE", 1.1)
    assert len(suite.find_whole_actors(scene)) == 1
    assert set(suite.find_whole_actors(scene)) <= set(whole)


def count_pixels_alone(scene: Scene, actor: int) -> int:
    """Pixels of an actor in frame 0 if nothing stood before it, by its closed form at every pixel."""
    at = [(x, y) for y in range(scene.settings.height) for x in range(scene.settings.width)]
    return int(scene.layers[actor].covers(scene.camera, 0, np.array(at, np.float64)).sum())


def test_points_lie_on_their_layer_and_away_from_its_boundary() -> None:
    scene = make_scene(7000, SMALL)
    for instance in (0, 1):
        points = suite.pick_layer_points(scene, instance).astype(int)
        assert 1 <= len(points) <= suite.POINTS_PER_LAYER
        for x, y in points:
            window = scene.instances[0, max(0, y - 4) : y + 5, max(0, x - 4) : x + 5]
            assert (window == instance).all()


def test_with_true_flow_every_scene_has_its_row_and_the_semantic_method_keeps_its_object() -> None:
    scores = suite.evaluate_kinds({"still": SMALL}, [7000, 7001], write_true_flow)
    assert list(scores.items) == ["boxes/still/7000", "boxes/still/7001", "points/still/7000", "points/still/7001"]
    boxes, points = scores.items["boxes/still/7000"], scores.items["points/still/7000"]
    assert boxes["semantic IoU"] > 0.6
    assert points["semantic within 4 px"] > 0.9
    assert {"lucas-kanade IoU", "lucas-kanade >=.5"} <= set(boxes)
    means = scores.tables["boxes: mean over the seeds"][0]
    assert means["scenes"] == "still"
    by_seed = [scores.items[f"boxes/still/{seed}"]["semantic IoU"] for seed in (7000, 7001)]
    assert means["semantic IoU"] == pytest.approx(np.mean(by_seed)) == scores.combined["boxes, semantic IoU"]


def test_csrt_is_left_out_where_opencv_lacks_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(suite, "has_csrt", lambda: False)
    assert list(suite.list_box_methods()) == ["semantic", "lucas-kanade"]
    monkeypatch.setattr(suite, "has_csrt", lambda: True)
    assert list(suite.list_box_methods()) == ["semantic", "csrt", "lucas-kanade"]


def test_each_kind_differs_from_the_still_camera_in_one_setting() -> None:
    plain = vars(suite.STILL)
    changed = {name: [key for key in plain if vars(kind)[key] != plain[key]] for name, kind in suite.KINDS.items()}
    assert changed.pop("still camera") == []
    assert [len(keys) for keys in changed.values()] == [1] * 5


def test_the_stages_make_the_artifacts_of_a_scene_that_every_method_reads(tmp_path: Path) -> None:
    scene = make_scene(7000, SMALL)
    write_scene_artifacts(scene, tmp_path, "scene", own_params())
    assert len(Frames.load(Frames.path(tmp_path, "scene"))) == len(scene)
    flow = DenseFlow.load(DenseFlow.path(tmp_path, "scene"))
    truth, seen = scene.flow(0, 1)
    assert np.median(np.linalg.norm(flow.forward(0) - truth, axis=2)[seen]) < 0.5
    assert Features.load(Features.path(tmp_path, "scene")).vectors(4) is not None
    found = suite.score_box_methods(scene, tmp_path, "scene", suite.find_whole_actors(scene)[:1])
    found |= suite.score_point_methods(scene, tmp_path, "scene", [0])  # every artifact that a method reads is there
    assert found["semantic within 4 px"] > 0.5


def test_no_scene_and_a_scene_without_actors_are_refused() -> None:
    with pytest.raises(BadInput, match="--seeds must be at least 1, got 0"):
        suite.evaluate(Namespace(seeds=0, first_seed=7000, kinds=None), ParamSections())
    with pytest.raises(BadInput, match="must have actors, got none"):
        suite.find_whole_actors(make_scene(0, SceneSettings(frames=1, height=32, width=48, actors=0, leaving=0)))
