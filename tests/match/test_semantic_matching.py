"""Semantic flow of a video, pair by pair."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.random import default_rng

from tasks.artifacts.semantic_flow import SemanticFlow, SemanticFlowMetadata
from tasks.geometry.cell_grid import CellGrid
from tasks.match.semantic_matching import VideoGrids, match_frame_pairs, stream_semantic_flow

CELLS = CellGrid(rows=6, columns=8, step_x=8.0, step_y=8.0, left=0.0, top=0.0)


def moving(frames: int, missing: tuple[int, ...] = ()) -> VideoGrids:
    """A scene that moves by a cell to the right with every frame."""
    scene = default_rng(0).normal(size=(6, 40, 64)).astype(np.float32)

    def vectors(frame: int) -> np.ndarray | None:
        return None if frame in missing else scene[:, 20 - frame : 28 - frame]

    return VideoGrids(vectors, SemanticFlowMetadata(frames, 64, 48, CELLS))


def test_a_moving_scene_moves_and_both_flows_agree(make_dense_flow, params) -> None:
    rows = list(match_frame_pairs(moving(4), make_dense_flow([(8, 0)] * 3), params(), "cpu"))
    assert [(pair.frame_a, pair.frame_b) for pair, _ in rows] == [(0, 1), (0, 2), (1, 2), (1, 3), (2, 3)]
    for pair, values in rows:
        stride = pair.frame_b - pair.frame_a
        seen = values[:, : 8 - stride].astype(np.float32)
        assert np.allclose(seen[..., :2], [8 * stride, 0], atol=0.2)  # of cells of 8 px
        assert (seen[..., 2] == 1).all()
        assert pair.agreement is not None and pair.agreement > 0.99
        assert pair.mutual_share is not None and pair.mutual_share >= (8 - stride) / 8


def test_flows_that_part_do_not_agree(make_dense_flow, params) -> None:
    (pair, _), *_ = match_frame_pairs(moving(2), make_dense_flow([(-8, 0)]), params(), "cpu")
    assert pair.agreement == pytest.approx(1 / 3, abs=0.02)  # two cells apart


def test_a_missing_frame_gives_zero_and_no_confidence(make_dense_flow, params) -> None:
    flow = make_dense_flow([(8, 0), None, None, (8, 0)])
    rows = {
        (p.frame_a, p.frame_b): (p, v) for p, v in match_frame_pairs(moving(5, missing=(2,)), flow, params(), "cpu")
    }
    for frames, (pair, values) in rows.items():
        if 2 in frames:
            assert (values == 0).all()
            assert pair.mutual_share is None and pair.agreement is None
    pair, values = rows[1, 3]
    assert (values[:, :6, 2] == 1).all()
    assert pair.agreement is None  # optical flow does not get past the missing frame, meaning does


@pytest.mark.parametrize("frames", [0, 1])
def test_no_frame_and_one_frame_give_no_pairs(frames: int, make_dense_flow, params) -> None:
    assert list(match_frame_pairs(moving(frames), make_dense_flow([]), params(), "cpu")) == []


def test_a_window_around_the_optical_flow_excludes_what_is_far_from_it(make_dense_flow, params) -> None:
    close = params(flow_search_radius=1, refine_radius=0, consensus_radius=0)
    (_, values), *_ = match_frame_pairs(moving(2), make_dense_flow([(-24, 0)]), close, "cpu")
    assert (
        (values[..., 0] <= -8).astype(bool)[:, 4:].all()
    )  # 3 cells to the left by optical flow, 1 to the right in truth
    (_, free), *_ = match_frame_pairs(moving(2), make_dense_flow([None]), close, "cpu")
    assert (free[:, :7, 0] == 8).all()  # no valid flow, no window


def test_the_file_is_the_same_with_one_thread_and_with_two(make_dense_flow, params, tmp_path: Path) -> None:
    flow = make_dense_flow([(8, 0), None, (8, 0), (8, 0)])
    before = torch.get_num_threads()
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            stream_semantic_flow(moving(5, missing=(2,)), flow, params(), "cpu").save(tmp_path / f"{threads}.npy")
    finally:
        torch.set_num_threads(before)
    assert (tmp_path / "1.npy").read_bytes() == (tmp_path / "2.npy").read_bytes()
    assert len(SemanticFlow.load(tmp_path / "1.npy")) == 7
