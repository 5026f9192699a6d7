"""Where optical flow carries points over several frames: each step from where the last one ended.

A point is lost, and its place NaN, where the flow of a step may not be trusted (dense_flow.valid), where it leaves the
frame, and at a cut or a missing frame.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from tasks.arrays import FlowField, Mask, Points32
from tasks.artifacts.dense_flow import DenseFlow
from tasks.geometry.advection import advect_points

CACHED_FIELDS = 16  # steps kept decoded, 2 MB each at 640 x 360: chains that start close together share most steps


@dataclass(frozen=True)
class FlowSteps:
    """The forward fields of a dense flow, those read last kept at hand."""

    dense_flow: DenseFlow
    _at_hand: OrderedDict[int, tuple[FlowField, Mask]] = field(
        default_factory=OrderedDict[int, "tuple[FlowField, Mask]"]
    )

    def __getitem__(self, i: int) -> tuple[FlowField, Mask]:
        """(h, w, 2) flow from frame i to i + 1, and where in frame i it is valid."""
        if i not in self._at_hand:
            self._at_hand[i] = self.dense_flow.forward(i), self.dense_flow.valid(i)
            if len(self._at_hand) > CACHED_FIELDS:
                self._at_hand.popitem(last=False)
        return self._at_hand[i]


def chain_flow(
    steps: FlowSteps, start: int, strides: Sequence[int], places: Points32
) -> Iterator[tuple[int, Points32]]:
    """(stride, where `places` of frame `start` are in frame start + stride) for each of `strides`, increasing."""
    for stride in range(1, max(strides, default=0) + 1):
        places = advect_points(places, *steps[start + stride - 1])
        if stride in strides:
            yield stride, places
