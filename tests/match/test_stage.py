"""The stage as the engine calls it."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from tasks.artifacts.features import FeatureMetadata, Features
from tasks.artifacts.matches import Matches
from tasks.artifacts.semantic_flow import SemanticFlow
from tasks.errors import SemflowError
from tasks.geometry.cell_grid import CellGrid, l2_normalize
from tasks.match.stage import match
from tests.factories.compute import make_compute

CELLS = CellGrid(rows=6, columns=8, step_x=8.0, step_y=8.0, left=0.0, top=0.0)
CPU = make_compute()


def features(frames: int, missing: tuple[int, ...] = ()) -> Features:
    """A scene that moves by a cell to the right with every frame."""
    scene = l2_normalize(np.random.default_rng(0).normal(size=(6, 40, 64))).astype(np.float16)
    values = np.zeros((frames, 6, 8, 64), np.float16)
    for frame in set(range(frames)) - set(missing):
        values[frame] = scene[:, 20 - frame : 28 - frame]
    return Features.from_vectors(values, FeatureMetadata("mobilenet-v2", ("b6",), 64, 48, CELLS))


def test_both_artifacts_come_out(make_dense_flow, make_detections, params, tmp_path: Path) -> None:
    seen = make_detections([(0, 0, 0.9, 4, 4, 20, 20), (1, 0, 0.9, 12, 4, 28, 20), (3, 0, 0.9, 28, 4, 44, 20)], 4)
    flow, matches = match(features(4, missing=(2,)), make_dense_flow([(8, 0), None, None]), seen, params(), CPU)
    found = flow.to(tmp_path / "flow.npy")
    assert [(pair.frame_a, pair.frame_b) for pair in found.pairs] == [(0, 1), (0, 2), (1, 2), (1, 3), (2, 3)]
    assert [pair.mutual_share is None for pair in found.pairs] == [False, True, True, False, True]
    assert np.allclose(found.flow(0)[:, :7], [8, 0], atol=0.2)
    assert (found.confidence(1) == 0).all()
    assert list(zip(matches.frame_a.tolist(), matches.frame_b.tolist(), strict=True)) == [(0, 1), (1, 3)]
    assert (matches.cosine > 0.99).all()


@pytest.mark.parametrize("frames", [0, 1])
def test_a_video_of_no_frame_or_one_gives_no_rows(
    frames: int, make_dense_flow, make_detections, params, tmp_path: Path
) -> None:
    seen = make_detections([(0, 0, 0.9, 4, 4, 20, 20)] * frames, frames)
    flow, matches = match(features(frames), make_dense_flow([]), seen, params(), CPU)
    found = flow.to(tmp_path / "flow.npy")
    matches.save(tmp_path / "matches.parquet")
    assert len(found) == len(SemanticFlow.load(tmp_path / "flow.npy")) == 0
    assert found.values.shape == (0, 6, 8, 3)
    assert len(Matches.load(tmp_path / "matches.parquet")) == 0


@pytest.mark.parametrize(
    "wrong",
    [
        {"strides": ()},
        {"strides": (0,)},
        {"strides": (1, 8, 1)},
        {"pair_interval": 0},
        {"similarity": "manhattan"},
        {"temperature": 0.0},
        {"extra": 1},
    ],
)
def test_parameters_out_of_bounds_are_refused(wrong: dict[str, object], params) -> None:
    with pytest.raises(ValidationError):
        params(**wrong)


def test_the_declaration_names_what_is_read_and_left() -> None:
    assert list(match.inputs) == ["features", "dense_flow", "detections"]
    assert match.outputs == (SemanticFlow, Matches)


def test_the_declaration_loads_nothing_heavy(checkout: Path) -> None:
    heavy = "{'torch', 'cv2', 'scipy', 'pandas', 'av', 'onnxruntime'}"
    code = f"import sys, tasks.match.stage; print({heavy} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=checkout, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_pairs_of_frames_without_stored_features_are_refused_before_anything_is_matched(
    make_dense_flow, make_detections, params
) -> None:
    every = features(4)
    some = replace(every, values=every.values[:2], frames=np.array([0, 1]))
    with pytest.raises(
        SemflowError, match=r"match\.strides must ask for frames whose features are stored, got frame 2"
    ):
        match(some, make_dense_flow([(8, 0)] * 3), make_detections([], 4), params(), CPU)
