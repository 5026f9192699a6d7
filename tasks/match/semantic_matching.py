"""Semantic flow of the scheduled pairs of frames, and its agreement with optical flow."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tasks.artifacts.artifact import StreamingArtifact
from tasks.artifacts.dense_flow import DenseFlow
from tasks.artifacts.semantic_flow import SemanticFlow, SemanticFlowMetadata, SemanticFlowPair
from tasks.geometry.cell_grid import CellGrid
from tasks.geometry.flow_agreement import compute_agreement, mean_agreement
from tasks.match.chained_flow import FlowSteps, chain_flow
from tasks.match.grid_matching import GridMatch, MatchConfig, match_grids
from tasks.match.nearest_neighbours import ACCELERATOR_CHUNK_BYTES, CHUNK_BYTES
from tasks.match.pair_schedule import schedule_pairs

if TYPE_CHECKING:
    from tasks.match.params import MatchParams

SemanticRow = tuple[SemanticFlowPair, NDArray[np.float16]]


def _unknown_time(frame: int) -> None:
    del frame


@dataclass(frozen=True)
class VideoGrids:
    """Feature grids of a video's frames."""

    vectors: Callable[[int], NDArray[np.floating[Any]] | None]
    """Frame to its (h, w, d) vectors; None where the frame is damaged or lost."""
    metadata: SemanticFlowMetadata
    time_s: Callable[[int], float | None] = _unknown_time
    """Frame to its presentation time, seconds; None where it is not known."""

    def make_pair(self, frame_a: int, frame_b: int) -> SemanticFlowPair:
        """The pair of two frames, with their times and without measures of quality."""
        return SemanticFlowPair(frame_a, frame_b, start_s=self.time_s(frame_a), end_s=self.time_s(frame_b))


def stream_semantic_flow(
    grids: VideoGrids, dense_flow: DenseFlow, params: MatchParams, device: str
) -> StreamingArtifact[SemanticFlow]:
    """Artifact of the scheduled pairs' semantic flow, matched pair by pair while it is written."""
    plan = schedule_pairs(grids.metadata.frame_count, params.strides, params.pair_interval)
    count = sum(len(strides) for _, strides in plan)
    return SemanticFlow.stream(match_frame_pairs(grids, dense_flow, params, device), count, grids.metadata)


def match_frame_pairs(
    grids: VideoGrids, dense_flow: DenseFlow, params: MatchParams, device: str
) -> Iterator[SemanticRow]:
    """Each scheduled pair with its (h, w, 3) field: x, y in pixels, and confidence; 0 where a frame is missing."""
    steps, grid = FlowSteps(dense_flow), grids.metadata.grid
    for frame, strides in schedule_pairs(grids.metadata.frame_count, params.strides, params.pair_interval):
        first = grids.vectors(frame)
        for stride, places in chain_flow(steps, frame, strides, grid.cell_centres()):
            pair = grids.make_pair(frame, frame + stride)
            second = None if first is None else grids.vectors(frame + stride)
            if first is None or second is None:
                yield pair, np.zeros((grid.rows, grid.columns, 3), np.float16)
            else:
                expected = None if params.flow_search_radius is None else grid.to_cells(places)
                found = match_grids(
                    first, second, make_match_config(params, device), expected, params.flow_search_radius or 0
                )
                yield _make_row(pair, found, places, grid)


def make_match_config(params: MatchParams, device: str) -> MatchConfig:
    """Parameters of match_grids from those of the stage."""
    return MatchConfig(
        measure=params.similarity,
        temperature=params.temperature,
        refine_radius=params.refine_radius,
        consensus_radius=params.consensus_radius,
        device=device,
        chunk_bytes=CHUNK_BYTES if device == "cpu" else ACCELERATOR_CHUNK_BYTES,
    )


def _make_row(pair: SemanticFlowPair, found: GridMatch, places: NDArray[np.float32], grid: CellGrid) -> SemanticRow:
    """`places`: (h, w, 2) positions of the cells' centres after chained optical flow, px; NaN where it is not valid."""
    centres = grid.cell_centres()
    semantic = grid.to_px(found.target) - centres
    agrees = mean_agreement(compute_agreement(semantic, places - centres, grid.step_x))
    share, agreement = float(found.mutual.mean()), None if np.isnan(agrees) else agrees
    measured = replace(pair, mutual_share=share, agreement=agreement)
    return measured, np.concatenate([semantic, found.confidence[..., None]], axis=2).astype(np.float16)
