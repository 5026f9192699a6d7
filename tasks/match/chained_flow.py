"""Chained optical flow: points advected over several frames, each step from where the last one ended.

A point is lost, and its position NaN, where the flow of a step is not valid (dense_flow.valid), where it leaves the
frame, and at a scene cut or a missing frame.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from cachetools import LRUCache

from tasks.arrays import FlowField, Mask, Points32
from tasks.artifacts.dense_flow import DenseFlow
from tasks.geometry.advection import advect_points

CACHED_FIELDS = 16  # decoded fields kept, 2 MB each at 640 x 360: chains that start close together share most of them


@dataclass(frozen=True)
class FlowSteps:
    """Forward flow fields of a video; the last CACHED_FIELDS read stay decoded."""

    dense_flow: DenseFlow
    _cache: LRUCache[int, tuple[FlowField, Mask]] = field(default_factory=lambda: LRUCache(CACHED_FIELDS))

    def __getitem__(self, i: int) -> tuple[FlowField, Mask]:
        """(h, w, 2) flow from frame i to i + 1, and where in frame i it is valid."""
        if i not in self._cache:
            self._cache[i] = self.dense_flow.forward(i), self.dense_flow.valid(i)
        return self._cache[i]


def chain_flow(
    flows: FlowSteps, start: int, strides: Sequence[int], points: Points32
) -> Iterator[tuple[int, Points32]]:
    """(stride, positions of the `points` of frame `start` in frame start + stride) for each of `strides`."""
    for stride in range(1, max(strides, default=0) + 1):
        points = advect_points(points, *flows[start + stride - 1])
        if stride in strides:
            yield stride, points
