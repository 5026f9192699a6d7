"""The estimators by name; each makes of a run of consecutive images the flow between every two neighbours."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tasks.arrays import FlowField, Image

if TYPE_CHECKING:
    from tasks.estimate_flow.params import EstimateFlowParams


@dataclass(frozen=True)
class Backend:
    """A way to estimate flow."""

    run: int
    """Pairs at a time that it works best on."""
    estimate: Callable[[Sequence[Image]], Iterator[tuple[FlowField, FlowField]]]
    """n + 1 consecutive (h, w, 3) RGB images to n pairs of (h, w, 2) flows in pixels, forward and backward."""


def open_backend(params: EstimateFlowParams, device: str, batch: int) -> Backend:
    """The backend that `params` name, its weights loaded; `device` and `batch` count for networks alone."""
    if params.backend == "dis":
        from tasks.estimate_flow.classic import dis

        return Backend(run=1, estimate=dis(params.dis_preset))
    if params.backend == "farneback":
        from tasks.estimate_flow.classic import farneback

        return Backend(run=1, estimate=farneback)
    from tasks.estimate_flow.raft_flow import PAIRS_ON_CPU, raft

    weights = params.network
    assert weights is not None
    return Backend(
        run=PAIRS_ON_CPU if device == "cpu" else batch,
        estimate=raft(weights, params.raft_iterations, device),
    )
