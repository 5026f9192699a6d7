"""Labels of the pretrained motions are called confident only where people are large and the camera is calm."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from flows.cli.run_warnings import list_warnings
from tasks.artifacts.actions import Actions
from tasks.artifacts.shots import Shots
from tasks.classify.motion_conditions import MotionConditions, describe_conditions, measure_camera_speed


@pytest.fixture
def run(toy_i3d, make_frames, make_flow, make_tracks, make_model, params, cpu):
    from tasks.classify.stage import classify

    def run(model=None, **changed: Any) -> Actions:
        frames = make_frames(40, ())
        tracks = make_tracks(frames, (1, 0, 40, "person"))
        flow = make_flow(frames, ())
        shots = Shots.from_cuts(flow.cut, frames.pts_s)
        return classify(frames, flow, tracks, model or make_model(), shots=shots, params=params(**changed), compute=cpu)

    return run


def flow_rows(actions: Actions) -> Actions:
    return actions.take((actions.stream == "flow") & actions.best)


def test_a_small_body_has_no_confident_motion_and_the_table_says_why(run) -> None:
    usual, small = run(min_probability=0.0), run(min_probability=0.0, min_body_px=1000.0)
    assert flow_rows(usual).confident.all() and usual.notes == []
    assert not flow_rows(small).confident.any()
    assert small.take(small.stream == "rgb").confident.any(), "the appearance stream is another matter"
    assert small.notes == [
        "People are small: 3 of 3 motion labels are of bodies below 1000 pixels, on which the pretrained motions are "
        "often wrong; none of them is called confident."
    ]
    assert not any(said.confident for said in small.summarise_streams()["flow"])
    assert (small.probability == usual.probability).all(), "probabilities stay as they are"


def test_a_run_ends_with_a_line_for_each_kind_of_caution(run, tmp_path: Path) -> None:
    small, usual = run(min_probability=0.0, min_body_px=1000.0), run()
    paths = {name: tmp_path / f"{name}.parquet" for name in ("a", "b", "c", "d", "calm", "gone")}
    for name in ("a", "b", "c", "d"):
        small.save(paths[name])
    usual.save(paths["calm"])
    (line,) = list_warnings(paths)
    assert line.startswith("People are small in a, b, c and 1 more: ")
    assert list_warnings({"calm": paths["calm"]}) == []


def test_a_team_s_own_labels_are_believed_at_any_size(run, make_model) -> None:
    actions = run(model=make_model("team"), min_probability=0.0, min_body_px=1000.0)
    assert flow_rows(actions).confident.all() and actions.notes == []


def test_the_speed_of_the_camera_is_in_picture_widths_per_second() -> None:
    homographies = np.repeat(np.eye(3)[None], 10, axis=0)
    homographies[:, 0, 2] = 4.0  # pixels to the right from frame to frame
    flow: Any = SimpleNamespace(cameras=homographies)
    frames: Any = SimpleNamespace(width=100, height=50, pts_s=np.arange(11) / 25)
    window: Any = SimpleNamespace(first=2, last=9)
    assert measure_camera_speed(flow, frames, window) == pytest.approx(4 / 100 * 25)
    single: Any = SimpleNamespace(first=3, last=3)
    assert measure_camera_speed(flow, frames, single) == 0


def test_a_moving_camera_is_named_by_itself(params) -> None:
    asked = params(min_body_px=100.0, max_camera_speed=0.01)
    found = {(0, 1): MotionConditions(150.0, 0.04), (1, 1): MotionConditions(150.0, 0.002)}
    (sentence,) = describe_conditions(found, asked)
    assert sentence.startswith("The camera moves: 1 of 2 motion labels") and "1% of its width" in sentence
    assert not [*describe_conditions({(1, 1): found[1, 1]}, asked)]
