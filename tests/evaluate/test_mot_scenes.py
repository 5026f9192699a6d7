"""Scenes for the tracker: their truth is the scene's, and the camera helps where it shakes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from flows.evaluate import mot_scenes
from flows.evaluate.mot_ablation import evaluate_scene
from flows.evaluate.mot_scenes import (
    FALSE_ALARM_SCORES,
    SceneSequence,
    make_scene_sequence,
    shake_camera,
    simulate_detections,
)
from flows.evaluate.motchallenge import evaluate_tracks, summarise_metrics
from flows.evaluate.track_ablations import replace_params
from tasks.artifacts.detections import Detections
from tasks.artifacts.tracks import Tracks
from tasks.geometry.bounding_boxes import pairwise_iou
from tasks.synthetic.scene.synthetic_scene import SceneSettings, make_scene
from tasks.track.tracker_presets import WITHOUT_VISUAL_CUES
from tests.track.scenes import make_params

SMALL = SceneSettings(frames=16, height=96, width=160, actors=3, leaving=0)


@pytest.fixture
def shaken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SceneSequence:
    monkeypatch.setattr(mot_scenes, "SETTINGS", SMALL)
    return make_scene_sequence(3, "shaken", tmp_path)


def test_the_truth_scores_everything_against_itself(shaken: SceneSequence) -> None:
    rows = np.loadtxt(shaken.sequence.truth, delimiter=",")
    rows = rows[np.lexsort((rows[:, 1], rows[:, 0]))]
    corners = np.concatenate([rows[:, 2:4], rows[:, 2:4] + rows[:, 4:6]], axis=1).astype(np.float32)
    tracks = Tracks(
        (rows[:, 0] - 1).astype(np.int32),
        rows[:, 1].astype(np.int32),
        np.zeros(len(rows), np.int16),
        np.full(len(rows), "actor", object),
        np.ones(len(rows), np.float32),
        *corners.T,
        np.full(len(rows), -1, np.int32),
        frame_count=16,
        width=160,
        height=96,
    )
    assert summarise_metrics(evaluate_tracks(shaken.sequence, tracks))["HOTA"] == pytest.approx(100, abs=0.2)


def test_the_detector_is_right_most_of_the_time_and_unsure_where_it_is_wrong() -> None:
    scene = make_scene(5, replace(SMALL, frames=12))
    found = simulate_detections(scene)
    again = simulate_detections(scene)
    assert found.to_pandas().equals(again.to_pandas())
    overlap = np.array(
        [
            np.nanmax(pairwise_iou(box[None], scene.boxes[:, frame].astype(float)))
            for frame, box in zip(found.frame, found.xyxy.astype(float), strict=True)
        ]
    )
    assert (overlap[found.score > FALSE_ALARM_SCORES[1]] > 0.5).all()
    assert 0.6 < (overlap > 0.5).mean() < 1


def test_a_shaken_scene_is_the_same_play() -> None:
    scene = make_scene(1, replace(SMALL, frames=3))
    trembling = shake_camera(scene)
    assert [layer.instance for layer in trembling.layers] == [layer.instance for layer in scene.layers]
    assert not np.array_equal(trembling.frames[1], scene.frames[1])
    flow, visible = trembling.flow(0, 1)
    still = (trembling.instances[0] == 0) & visible
    assert np.linalg.norm(flow[still], axis=1).mean() > 1


def test_knowing_the_camera_helps_where_it_shakes(shaken: SceneSequence) -> None:
    default = make_params(
        max_gap_s=0.2, link_max_gap_s=0.8, link_window_s=1.2, smoothing_s=0.8, interpolate=True, n_init=2
    )
    blind, sighted = (
        summarise_metrics(evaluate_scene(shaken, replace_params(default, way)))
        for way in (WITHOUT_VISUAL_CUES, {**WITHOUT_VISUAL_CUES, "camera_compensation": True})
    )
    assert sighted["HOTA"] > blind["HOTA"] + 2
    assert isinstance(shaken.detections, Detections)
