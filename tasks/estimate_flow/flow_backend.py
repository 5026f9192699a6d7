"""Optical flow backends by name: each maps consecutive images to the flow between neighbouring ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tasks.arrays import FlowField, Image

if TYPE_CHECKING:
    from tasks.estimate_flow.params import EstimateFlowParams


@dataclass(frozen=True)
class FlowBackend:
    """An optical flow estimator and the number of pairs it takes at a time."""

    pairs_per_run: int
    """Pairs per call that suit it best."""
    estimate: Callable[[Sequence[Image]], Iterator[tuple[FlowField, FlowField]]]
    """n + 1 consecutive (h, w, 3) RGB images to n pairs of (h, w, 2) flows in pixels, forward and backward."""


def open_flow_backend(params: EstimateFlowParams, device: str, batch: int) -> FlowBackend:
    """The backend named by `params`, with its weights loaded; `device` and `batch` matter for networks only."""
    if params.backend == "dis":
        from tasks.estimate_flow.opencv_flow import make_dis_estimator

        return FlowBackend(pairs_per_run=1, estimate=make_dis_estimator(params.dis_preset))
    if params.backend == "farneback":
        from tasks.estimate_flow.opencv_flow import estimate_farneback

        return FlowBackend(pairs_per_run=1, estimate=estimate_farneback)
    from tasks.estimate_flow.raft_inference import PAIRS_PER_CPU_RUN, make_raft_estimator

    weights = params.network
    assert weights is not None
    return FlowBackend(
        pairs_per_run=PAIRS_PER_CPU_RUN if device == "cpu" else batch,
        estimate=make_raft_estimator(weights, params.raft_iterations, device),
    )
