"""Semantic flow and matches: on disk and back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tasks.artifacts.matches import Matches
from tasks.artifacts.semantic_flow import SemanticFlow, SemanticFlowMetadata, SemanticFlowPair
from tasks.errors import SemflowError
from tasks.geometry.cell_grid import CellGrid

GRID = CellGrid(rows=3, columns=4, step_x=8.0, step_y=7.5, left=1.0, top=0.0)
FACTS = SemanticFlowMetadata(frame_count=9, width=32, height=22, grid=GRID)
PAIRS = (SemanticFlowPair(0, 1, 0.5, 0.25), SemanticFlowPair(0, 8), SemanticFlowPair(4, 5, 1.0, None))


def made(pairs: tuple[SemanticFlowPair, ...] = PAIRS) -> SemanticFlow:
    values = np.random.default_rng(0).normal(size=(len(pairs), 3, 4, 3)).astype(np.float16)
    return SemanticFlow(values, pairs, FACTS)


def test_what_was_written_is_read(tmp_path: Path) -> None:
    flow = made()
    flow.save(tmp_path / "a.npy")
    back = SemanticFlow.load(tmp_path / "a.npy")
    assert (back.pairs, back.metadata) == (PAIRS, FACTS)
    assert (back.values == flow.values).all()
    assert isinstance(back.values, np.memmap)


def test_numpy_alone_reads_the_array(tmp_path: Path) -> None:
    flow = made()
    flow.save(tmp_path / "a.npy")
    assert (np.load(tmp_path / "a.npy") == flow.values).all()
    assert (np.load(tmp_path / "a.npy", mmap_mode="r") == flow.values).all()


def test_saving_again_gives_the_same_bytes(tmp_path: Path) -> None:
    made().save(tmp_path / "a.npy")
    SemanticFlow.load(tmp_path / "a.npy").save(tmp_path / "b.npy")
    assert (tmp_path / "a.npy").read_bytes() == (tmp_path / "b.npy").read_bytes()


def test_no_pairs_are_an_ordinary_file(tmp_path: Path) -> None:
    made(()).save(tmp_path / "a.npy")
    back = SemanticFlow.load(tmp_path / "a.npy")
    assert len(back) == 0
    assert back.values.shape == (0, 3, 4, 3)


def test_flow_and_confidence_of_a_row() -> None:
    flow = made()
    assert flow.flow(1).dtype == np.float32
    assert (flow.flow(1) == flow.values[1, ..., :2]).all()
    assert (flow.confidence(2) == flow.values[2, ..., 2]).all()
    assert flow.row(4, 5) == 2
    assert flow.row(4, 6) is None
    with pytest.raises(SemflowError, match=r"row must lie in \[0, 3\), got 3"):
        flow.flow(3)


def test_cells_lie_where_the_grid_says() -> None:
    centres = GRID.cell_centres()
    assert centres.shape == (3, 4, 2)
    assert centres[2, 3].tolist() == [25.0, 15.0]
    assert np.allclose(GRID.to_cells(centres)[2, 3], [3, 2])


def test_a_file_without_facts_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.zeros((1, 3, 4, 3), np.float16))
    with pytest.raises(SemflowError, match=r"a\.npy must hold an array with metadata"):
        SemanticFlow.load(tmp_path / "a.npy")


@pytest.mark.parametrize(
    ("values", "pairs", "message"),
    [
        (np.zeros((1, 3, 4, 3), np.float32), PAIRS[:1], "must be float16"),
        (np.zeros((2, 3, 4, 3), np.float16), PAIRS[:1], r"of shape \(1, 3, 4, 3\)"),
        (np.zeros((1, 3, 4, 3), np.float16), (SemanticFlowPair(5, 9),), "frame_a < frame_b < 9"),
        (np.zeros((1, 3, 4, 3), np.float16), (SemanticFlowPair(5, 5),), "frame_a < frame_b < 9"),
    ],
)
def test_what_does_not_fit_is_refused(values: np.ndarray, pairs: tuple[SemanticFlowPair, ...], message: str) -> None:
    with pytest.raises(SemflowError, match=message):
        SemanticFlow(values, pairs, FACTS)


def test_too_few_pairs_are_an_error(tmp_path: Path) -> None:
    rows = [(PAIRS[0], np.zeros((3, 4, 3), np.float16))]
    with pytest.raises(SemflowError, match="must get 2 rows, got 1"):
        SemanticFlow.stream(rows, 2, FACTS).save(tmp_path / "a.npy")


def one_match(**changed: object) -> Matches:
    edges = {"x1": 1, "y1": 2, "x2": 3, "y2": 4}
    sides = {f"{side}_{edge}": np.array([at], np.float32) for side in "ab" for edge, at in edges.items()}
    columns = {
        "frame_a": np.array([1], np.int32),
        "frame_b": np.array([2], np.int32),
        "detection_a": np.array([0], np.int32),
        "detection_b": np.array([3], np.int32),
        "class_name_a": np.array(["hand"], object),
        "class_name_b": np.array(["hand"], object),
        "cosine": np.array([0.98], np.float32),
        "mutual": np.array([True]),
    }
    return Matches(**(columns | sides | changed), frame_count=9, width=32, height=22)


def test_matches_are_written_and_read(tmp_path: Path) -> None:
    one_match().save(tmp_path / "m.parquet")
    back = Matches.load(tmp_path / "m.parquet")
    assert back.cosine.tolist() == [np.float32(0.98)]
    assert back.xyxy_b.tolist() == [[1, 2, 3, 4]]


def test_matches_must_go_forward_in_time() -> None:
    with pytest.raises(SemflowError, match="frame_a < frame_b"):
        one_match(frame_b=np.array([1], np.int32))


def test_a_region_is_matched_once() -> None:
    match = one_match()
    twice = {f.name: np.repeat(getattr(match, f.name), 2) for f in Matches.column_fields()}
    twice["detection_a"] = np.array([0, 1], np.int32)
    with pytest.raises(SemflowError, match="detection_b must not repeat"):
        replace(match, **twice)
