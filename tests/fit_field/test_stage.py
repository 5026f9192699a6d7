"""The stage as the engine calls it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pydantic import ValidationError

from tasks.artifacts.dense_flow import DenseFlow
from tasks.artifacts.features import Features
from tasks.artifacts.field_labels import FieldLabels
from tasks.artifacts.flow_pair import FlowPair
from tasks.artifacts.frames import Frames
from tasks.artifacts.frames_file import Frame
from tasks.artifacts.semantic_field import SemanticField
from tasks.artifacts.shots import Shots
from tasks.checkpoints import temporary_checkpoints
from tasks.errors import BadInput
from tasks.fit_field.stage import fit_field
from tests.factories.compute import make_compute

CPU = make_compute()


@pytest.fixture
def fit(tmp_path: Path):
    def run(inputs: dict, params) -> SemanticField:
        given = {name: value for name, value in inputs.items() if name != "truth"}
        with temporary_checkpoints() as parts:
            return fit_field(**given, params=params, compute=CPU, checkpoints=parts).to(tmp_path / "field.parquet")

    return run


def labels_at(folder: Path, masks: dict[int, np.ndarray], points: str = "", names: str = "") -> FieldLabels:
    folder.mkdir(exist_ok=True)
    for frame, mask in masks.items():
        Image.fromarray(mask).save(folder / f"{frame:06d}.png")
    if points:
        (folder / "points.csv").write_text(points)
    if names:
        (folder / "names.txt").write_text(names)
    return FieldLabels.load(folder)


def test_tracked_boxes_become_label_maps(make_inputs, params, fit, iou) -> None:
    inputs = make_inputs()
    field = fit(inputs, params())
    assert field.metadata.source == "tracks"
    assert [found.name for found in field.metadata.classes] == ["background", "car"]
    assert field.frames.tolist() == [*range(6)]
    assert field.given.tolist() == [True, False, False, True, False, False]
    assert iou(field.map(4).label == 1, inputs["truth"][4] == 1) > 0.7
    assert 0 <= field.mean_confidence.min() <= field.mean_confidence.max() <= 1


def test_what_hides_is_nearer_than_what_it_hides(make_inputs, params, fit) -> None:
    field = fit(make_inputs(), params())
    assert field.nearness.tolist() == [0, 1]
    assert (field.depth(4) == field.map(4).label).all()


def test_things_get_a_value_each_where_instances_are_asked_for(make_inputs, params, fit) -> None:
    field = fit(make_inputs(), params(value_kind="instance"))
    assert [(found.name, found.track_id) for found in field.metadata.classes] == [("background", None), ("car 1", 1)]


def test_a_persons_mask_counts_before_tracks(make_inputs, params, fit, iou, tmp_path: Path) -> None:
    inputs = make_inputs()
    inputs["field_labels"] = labels_at(tmp_path / "labels", {2: inputs["truth"][2]}, names="ground\nsquare\n")
    field = fit(inputs, params())
    assert field.metadata.source == "user"
    assert [found.name for found in field.metadata.classes] == ["ground", "square"]
    for row in range(6):
        assert iou(field.map(row).label == 1, inputs["truth"][row] == 1) > 0.9
    assert fit(inputs, params(labels="tracks")).metadata.source == "tracks"


def test_points_go_with_what_they_lie_on(make_inputs, params, fit, tmp_path: Path) -> None:
    inputs = make_inputs()
    points = "frame,x,y,label\n0,12,20,1\n0,18,26,1\n0,12,28,1\n0,20,20,1\n0,50,10,0\n0,60,40,0\n0,4,40,0\n0,30,4,0\n"
    inputs["field_labels"] = labels_at(tmp_path / "labels", {}, points)
    found = fit(inputs, params()).map(3)
    assert [found.label[y, x + 3 * 4] for x, y in [(12, 20), (18, 26), (12, 28)]] == [1, 1, 1]  # they moved with it
    assert [found.label[y, x] for x, y in [(50, 10), (60, 40), (4, 40)]] == [0, 0, 0]


def test_maps_may_be_smaller_and_fewer_than_frames(make_inputs, params, fit) -> None:
    field = fit(make_inputs(), params(frame_stride=2, grid_side=40))
    assert field.frames.tolist() == [0, 2, 3, 4]  # every second, and the labelled ones
    assert field.map(0).label.shape == (24, 40)
    assert field.scale == (0.5, 0.5)
    assert field.nearest(5).frame == 4


def test_nothing_tracked_gives_no_maps_and_the_reason(make_inputs, params, fit) -> None:
    field = fit(make_inputs(tracked=False), params())
    assert len(field) == 0
    assert field.metadata.source == "none"
    assert "nothing was tracked" in field.metadata.reason
    assert field.nearest(0) is None


def test_a_take_without_labels_gets_no_maps(make_inputs, params, fit) -> None:
    assert fit(make_inputs(cut=1), params(label_every=100)).frames.tolist() == [0, 1]


@pytest.mark.parametrize("planes", [1, 3])
def test_a_flash_within_a_shot_leaves_maps_on_both_sides(make_inputs, params, fit, planes: int) -> None:
    """No flow leads over a flash, or over the black frame of a fade, but the shot goes on."""
    inputs = make_inputs(8, cut=4)
    shots = Shots.from_cuts(np.zeros(7, np.bool_), inputs["frames"].pts_s)
    field = fit(inputs | {"shots": shots}, params(planes=planes, label_every=100))
    assert field.frames.tolist() == [*range(8)]


def test_a_lost_frame_has_no_map(make_inputs, params, fit) -> None:
    assert fit(make_inputs(lost=(2,)), params()).frames.tolist() == [0, 1, 3, 4, 5]


def test_where_nothing_moves_and_every_place_looks_alike_a_mask_stays_where_it_is(
    make_inputs, params, fit, iou, tmp_path: Path
) -> None:
    inputs = make_inputs(4)
    mask, frames = inputs["truth"][0], inputs["frames"]
    pictures = (Frame(n, n / 10, "ok", frames.image(0)) for n in range(4))
    inputs["frames"] = Frames.stream(pictures, lambda: frames.decode_report, "raw").to(
        tmp_path / "still_frames.parquet"
    )
    facts, still = inputs["dense_flow"].metadata, np.zeros((*mask.shape, 2), np.float32)
    seen = np.ones(mask.shape, np.bool_)
    pair = FlowPair(still, still, seen, seen, 0.0, False, np.eye(3), 1.0)
    inputs["dense_flow"] = DenseFlow.stream(iter([pair] * 3), facts).to(tmp_path / "still.parquet")
    features = inputs["features"]
    alike = np.full(features.values.shape, 1.0)
    inputs["features"] = Features.from_vectors(alike, features.metadata)
    inputs["field_labels"] = labels_at(tmp_path / "labels", {0: mask})
    field = fit(inputs, params())
    for row in range(4):
        assert iou(field.map(row).label == 1, mask == 1) > 0.9


@pytest.mark.parametrize("frames", [1, 2])
def test_a_video_of_one_or_two_frames_has_maps(frames: int, make_inputs, params, fit) -> None:
    assert fit(make_inputs(frames), params()).frames.tolist() == [*range(frames)]


def test_the_same_inputs_give_the_same_bytes(make_inputs, params, fit, tmp_path: Path) -> None:
    fit(make_inputs(), params())
    first = (tmp_path / "field.parquet").read_bytes()
    field = fit(make_inputs(), params())
    assert (tmp_path / "field.parquet").read_bytes() == first
    field.save(tmp_path / "again.parquet")
    assert (tmp_path / "again.parquet").read_bytes() == first


def test_with_a_volume_every_map_has_depth_and_the_same_inputs_the_same_bytes(
    make_inputs, params, fit, tmp_path: Path
) -> None:
    field = fit(make_inputs(12), params(planes=4, volume_steps=3, window=8, overlap=2))
    first = (tmp_path / "field.parquet").read_bytes()
    for row in range(len(field)):
        found = field.map(row)
        assert found.near is not None
        assert field.depth(row).shape == found.label.shape
        assert 0 <= found.near.min() <= found.near.max() <= 1
    fit(make_inputs(12), params(planes=4, volume_steps=3, window=8, overlap=2))
    assert (tmp_path / "field.parquet").read_bytes() == first


def test_a_mask_of_a_frame_that_is_not_there_is_named(make_inputs, params, fit, tmp_path: Path) -> None:
    inputs = make_inputs()
    inputs["field_labels"] = labels_at(tmp_path / "labels", {9: inputs["truth"][0]})
    with pytest.raises(BadInput, match=r"labels/0*9.png must be of frames 0 to 5, got 9"):
        fit(inputs, params())


def test_a_mask_of_another_shape_is_named(make_inputs, params, fit, tmp_path: Path) -> None:
    inputs = make_inputs()
    inputs["field_labels"] = labels_at(tmp_path / "labels", {0: inputs["truth"][0][:, :40]})
    with pytest.raises(BadInput, match="must have the frame's proportions, 80x48, got 40x48"):
        fit(inputs, params())


@pytest.mark.parametrize(
    "wrong",
    [{"frame_stride": 0}, {"grid_side": 30}, {"labels": "mine"}, {"max_labels": 0}, {"min_score": 2.0}, {"extra": 1}],
)
def test_wrong_parameters_are_refused(params, wrong: dict) -> None:
    with pytest.raises(ValidationError):
        params(**wrong)


def test_the_segmenter_is_asked_for_only_where_it_is_needed(params) -> None:
    assert fit_field.weights(params()) == ()
    assert (
        fit_field.weights(params(label_outline="masks"))
        == fit_field.weights(params(use_instance_masks=True))
        == ("yolo26n-seg",)
    )
    assert fit_field.weights(params(label_outline="masks", labels="user")) == ()


def test_planning_does_not_import_the_heavy_libraries() -> None:
    heavy = "{'torch', 'cv2', 'scipy', 'pandas', 'pyarrow', 'onnxruntime', 'PIL'}"
    code = f"import sys, tasks.fit_field.stage; print({heavy} & set(sys.modules))"
    root = Path(__file__).parents[2]
    out = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "set()"
