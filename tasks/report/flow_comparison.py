"""Comparison of semantic and optical flow of one pair of frames, on the grid of the features."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.arrays import FlowField
from tasks.artifacts.dense_flow import DenseFlow
from tasks.artifacts.semantic_flow import SemanticFlow
from tasks.geometry.advection import advect_points
from tasks.geometry.cell_grid import CellGrid
from tasks.geometry.flow_agreement import compute_agreement
from tasks.report.charts import round_above
from tasks.report.select_pairs import MIN_CONFIDENCE, confident_lengths

OPTICAL_PERCENTILE, SEMANTIC_PERCENTILE = 99, 95
"""Percentiles of vector lengths that get full colour: outliers must not make all others pale."""
MIN_SCALE_PX = 1.0  # a smaller scale would show the noise of the estimates


@dataclass(frozen=True, eq=False)
class FlowComparison:
    """Both flows on the grid of the features, from frame a to frame b, working-size pixels."""

    frame_a: int
    frame_b: int
    grid: CellGrid
    semantic: FlowField
    """(h, w, 2)."""
    sure: NDArray[np.bool_]
    """(h, w) where each of both cells is the other's best, or nearly so."""
    optical: FlowField
    """(h, w, 2) chained over the frames between; NaN where it lost the point."""
    agreement: NDArray[np.float32]
    """(h, w) 1: the same, 1/2: a cell apart; NaN where optical flow lost the point."""
    scale_px: float
    """A round length that nearly all vectors stay below."""

    @property
    def share_within_cell(self) -> float:
        """Share of the cells that optical flow kept where both end within a cell of each other; NaN: all lost."""
        known = self.agreement[np.isfinite(self.agreement)]
        return float((known >= 0.5).mean()) if len(known) else float("nan")  # noqa: PLR2004  the value at a distance of one cell


def compare_flows(semantic_flow: SemanticFlow, dense_flow: DenseFlow, row: int) -> FlowComparison:
    """Both flows of the pair in `row` of the semantic flow."""
    pair, grid = semantic_flow.pairs[row], semantic_flow.metadata.grid
    semantic, sure = semantic_flow.flow(row), semantic_flow.confidence(row) >= MIN_CONFIDENCE
    places = centres = grid.cell_centres()
    for frame in range(pair.frame_a, pair.frame_b):
        places = advect_points(places, dense_flow.forward(frame), dense_flow.valid(frame))
    optical = places - centres
    known = np.isfinite(optical[..., 0])
    reach = (
        _length_percentile(confident_lengths(semantic, sure)[sure], SEMANTIC_PERCENTILE),
        _length_percentile(np.linalg.norm(optical[known], axis=1), OPTICAL_PERCENTILE),
    )
    return FlowComparison(
        frame_a=pair.frame_a,
        frame_b=pair.frame_b,
        grid=grid,
        semantic=semantic,
        sure=sure,
        optical=optical,
        agreement=compute_agreement(semantic, optical, grid.step_x),
        scale_px=round_above(max(*reach, MIN_SCALE_PX)),
    )


def _length_percentile(lengths: NDArray[np.float32], share: float) -> float:
    return float(np.percentile(lengths, share)) if len(lengths) else 0.0
