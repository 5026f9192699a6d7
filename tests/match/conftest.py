"""Dense flows, detections and grids of vectors from arrays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from tasks.artifacts.dense_flow import DenseFlow
from tasks.artifacts.detections import Detections
from tasks.artifacts.flow_encoding import FlowEncoding
from tasks.artifacts.flow_pair import FlowMetadata, FlowPair
from tasks.geometry.cell_grid import CellGrid
from tasks.geometry.warp import find_targets_inside
from tasks.match.params import MatchParams

HEIGHT, WIDTH = 48, 64
ENCODING = FlowEncoding(HEIGHT, WIDTH, 1, 32)
CELLS = CellGrid(rows=6, columns=8, step_x=8.0, step_y=8.0, left=0.0, top=0.0)


@pytest.fixture
def make_dense_flow(tmp_path: Path) -> Callable[..., DenseFlow]:
    """The same motion everywhere for each pair; None is a pair without flow."""

    def make(motions: Sequence[tuple[float, float] | None]) -> DenseFlow:
        def pair(motion: tuple[float, float] | None) -> FlowPair:
            if motion is None:
                return FlowPair.empty(ENCODING)
            forward = np.broadcast_to(np.array(motion, np.float32), (HEIGHT, WIDTH, 2)).copy()
            return FlowPair(
                forward,
                -forward,
                find_targets_inside(forward),
                find_targets_inside(-forward),
                1.0,
                False,
                np.eye(3),
                1.0,
            )

        facts = FlowMetadata(len(motions) + 1, "dis", ENCODING)
        return DenseFlow.stream(map(pair, motions), facts).to(tmp_path / "dense_flow.parquet")

    return make


@pytest.fixture
def make_detections() -> Callable[..., Detections]:
    """Rows of (frame, class_id, score, x1, y1, x2, y2)."""

    def make(rows: Sequence[tuple[float, ...]], frame_count: int) -> Detections:
        frame, class_id, score, *edges = np.array(rows, np.float32).reshape(-1, 7).T
        return Detections(
            frame.astype(np.int32),
            class_id.astype(np.int16),
            np.array([f"thing {int(c)}" for c in class_id], object),
            score,
            *edges,
            frame_count=frame_count,
            width=WIDTH,
            height=HEIGHT,
        )

    return make


@pytest.fixture
def params() -> Callable[..., MatchParams]:
    """The parameters of a run, but for those named."""

    def make(**changed: object) -> MatchParams:
        usual = {
            "strides": (1, 2),
            "pair_interval": 1,
            "similarity": "cosine",
            "refine_radius": 2,
            "temperature": 0.05,
            "consensus_radius": 3,
            "flow_search_radius": None,
            "region_min_score": 0.25,
            "region_min_cosine": 0.5,
            "region_same_class": True,
        }
        return MatchParams.model_validate(usual | changed)

    return make
