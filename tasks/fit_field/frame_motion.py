"""Motion between the frames that get a label map, resampled to the size of the maps.

Dense flow of neighbouring frames is chained over the frames between two maps (forward Euler: a point is moved by the
flow sampled bilinearly where it is). Semantic flow links two frames directly, past everything between.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
from cachetools import LRUCache
from numpy.typing import NDArray

from tasks.arrays import FlowField, Mask
from tasks.artifacts.dense_flow import DenseFlow
from tasks.artifacts.semantic_flow import SemanticFlow
from tasks.geometry.resampling import resample_to_pixels, rescale_grid
from tasks.geometry.warp import pixel_grid
from tasks.sequence.flow_trajectory import sample_bilinear
from tasks.sequence.frame_pair_motion import FramePairMotion

CACHED_MOTIONS = 144  # of a window widened to its neighbouring labels; 1 MB each at 320 x 180
MIN_MATCH_CONFIDENCE = 0.5  # of a semantic match: its cycle error is at most one cell


@dataclass(frozen=True, eq=False)
class MapMotion:
    """Flow between the `chosen` frames, in pixels of label maps of `height` x `width`."""

    dense_flow: DenseFlow
    semantic_flow: SemanticFlow | None
    """None where only neighbouring frames are linked."""
    chosen: Sequence[int]
    """Frame numbers in the video, ascending."""
    height: int
    width: int
    _cache: LRUCache[int, FramePairMotion | None] = field(default_factory=lambda: LRUCache(CACHED_MOTIONS), repr=False)

    def motion_to_next(self, index: int) -> FramePairMotion | None:
        """Flow from the chosen frame `index` to the next chosen one, and back; None over a cut or a missing frame."""
        if index not in self._cache:
            self._cache[index] = self._compose(self.chosen[index], self.chosen[index + 1])
        return self._cache[index]

    def semantic_flow_between(self, start: int, end: int) -> tuple[FlowField, Mask] | None:
        """(h, w, 2) semantic flow between two chosen frames and its (h, w) validity; None where it was not computed."""
        row = None if self.semantic_flow is None else self.semantic_flow.row(self.chosen[start], self.chosen[end])
        if self.semantic_flow is None or row is None:
            return None
        metadata = self.semantic_flow.metadata
        cells = rescale_grid(metadata.grid, metadata.height, metadata.width, self.height, self.width)
        flow = resample_to_pixels(self.semantic_flow.flow(row), cells, self.height, self.width)
        confidence = resample_to_pixels(self.semantic_flow.confidence(row), cells, self.height, self.width)
        return flow * self._scale(metadata.height, metadata.width), confidence >= MIN_MATCH_CONFIDENCE

    def _compose(self, start: int, end: int) -> FramePairMotion | None:
        steps = range(start, end)
        if not all(self.dense_flow.known[step] for step in steps):
            return None
        forward_steps = [(self.dense_flow.forward(step), self.dense_flow.valid(step)) for step in steps]
        backward_steps = [
            (self.dense_flow.backward(step), self.dense_flow.valid_backward(step)) for step in reversed(steps)
        ]
        forward, valid = self._chain_flow(forward_steps)
        backward, valid_backward = self._chain_flow(backward_steps)
        return FramePairMotion(forward, backward, valid, valid_backward)

    def _chain_flow(self, steps: Sequence[tuple[FlowField, Mask]]) -> tuple[FlowField, Mask]:
        """(h, w, 2) displacement of each pixel over several flows, (h, w) whether all are valid along its path."""
        start_points = pixel_grid(self.height, self.width)
        at, valid = start_points.copy(), np.ones((self.height, self.width), np.bool_)
        for flow, step_valid in steps:
            valid &= sample_bilinear(self._resize(step_valid.astype(np.float32)), at) > 0.5  # noqa: PLR2004  most of the bilinear weight
            at = at + sample_bilinear(self._resize(flow) * self._scale(*flow.shape[:2]), at)
        inside = cv2.inRange(at, (-0.5, -0.5), (self.width - 0.5, self.height - 0.5)).astype(np.bool_)
        return (at - start_points).astype(np.float32), valid & inside

    def _resize(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        if values.shape[:2] == (self.height, self.width):
            return values
        resized: Any = cv2.resize(values, (self.width, self.height), interpolation=cv2.INTER_AREA)
        return resized

    def _scale(self, height: int, width: int) -> NDArray[np.float32]:
        """(2,) map pixels per pixel of an array of this size, x then y."""
        return np.array([self.width / width, self.height / height], np.float32)
