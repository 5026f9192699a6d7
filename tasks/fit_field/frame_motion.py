"""How the frames that get a map are linked: dense flow over the frames between, and semantic flow that skips them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.arrays import FlowField, Mask
from tasks.artifacts.dense_flow import DenseFlow
from tasks.artifacts.semantic_flow import SemanticFlow
from tasks.geometry.resampling import resample_to_pixels, rescale_grid
from tasks.geometry.warp import pixel_grid
from tasks.sequence.flow_trajectory import sample_bilinear
from tasks.sequence.frame_pair_motion import FramePairMotion

CACHED_MOTIONS = 144  # a window's and those on the way to labels beside it, 1 MB each at 320 x 180
MIN_MATCH_CONFIDENCE = 0.5  # confidence of a semantic match: its way back misses by a cell at most


@dataclass(frozen=True, eq=False)
class MapMotion:
    """Motion between the chosen frames, at the size of the maps."""

    dense_flow: DenseFlow
    semantic_flow: SemanticFlow | None
    """None where nothing needs to skip frames."""
    chosen: Sequence[int]
    height: int
    width: int
    _at_hand: OrderedDict[int, FramePairMotion | None] = field(
        default_factory=OrderedDict[int, "FramePairMotion | None"], repr=False
    )

    def motion(self, place: int) -> FramePairMotion | None:
        """From a chosen frame to the next one, and back; None over a cut or a missing frame."""
        if place not in self._at_hand:
            self._at_hand[place] = self._composed(self.chosen[place], self.chosen[place + 1])
            if len(self._at_hand) > CACHED_MOTIONS:
                self._at_hand.popitem(last=False)
        return self._at_hand[place]

    def skip(self, start: int, end: int) -> tuple[FlowField, Mask] | None:
        """Semantic flow from one chosen frame to another, and where it is sure; None where they were not matched."""
        row = None if self.semantic_flow is None else self.semantic_flow.row(self.chosen[start], self.chosen[end])
        if self.semantic_flow is None or row is None:
            return None
        facts = self.semantic_flow.metadata
        cells = rescale_grid(facts.grid, facts.height, facts.width, self.height, self.width)
        flow = resample_to_pixels(self.semantic_flow.flow(row), cells, self.height, self.width)
        sure = (
            resample_to_pixels(self.semantic_flow.confidence(row), cells, self.height, self.width)
            >= MIN_MATCH_CONFIDENCE
        )
        return flow * self._scale(facts.height, facts.width), sure

    def _composed(self, start: int, end: int) -> FramePairMotion | None:
        steps = range(start, end)
        if not all(self.dense_flow.known[step] for step in steps):
            return None
        there = [(self.dense_flow.forward(step), self.dense_flow.valid(step)) for step in steps]
        back = [(self.dense_flow.backward(step), self.dense_flow.valid_backward(step)) for step in reversed(steps)]
        forward, valid = self._followed(there)
        backward, valid_backward = self._followed(back)
        return FramePairMotion(forward, backward, valid, valid_backward)

    def _followed(self, steps: Sequence[tuple[FlowField, Mask]]) -> tuple[FlowField, Mask]:
        """Displacement of each pixel over several steps, and whether every one of them may be trusted."""
        begun = pixel_grid(self.height, self.width)
        at, valid = begun.copy(), np.ones((self.height, self.width), np.bool_)
        for flow, trusted in steps:
            valid &= sample_bilinear(self._shrunk(trusted.astype(np.float32)), at) > 0.5
            at = at + sample_bilinear(self._shrunk(flow) * self._scale(*flow.shape[:2]), at)
        inside = (at > -0.5).all(axis=2) & (at[..., 0] < self.width - 0.5) & (at[..., 1] < self.height - 0.5)
        return (at - begun).astype(np.float32), valid & inside

    def _shrunk(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        if values.shape[:2] == (self.height, self.width):
            return values
        shrunk: Any = cv2.resize(values, (self.width, self.height), interpolation=cv2.INTER_AREA)
        return shrunk

    def _scale(self, height: int, width: int) -> NDArray[np.float32]:
        """Map pixels per pixel, across and down."""
        return np.array([self.width / width, self.height / height], np.float32)
