"""Selection of matched frame pairs to show: largest stride, undamaged, without a cut in between, with much motion.

Candidates are a regular sample, so that the cost does not grow with the video's length; one is read at a time.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.arrays import FlowField
from tasks.artifacts.semantic_flow import SemanticFlow

MAX_CANDIDATES = 300  # 22 kB each at 640 x 360
MEDIAN_CELLS = 5  # cells across whose median a vector is taken for: the largest that OpenCV has for floats
MIN_CONFIDENCE = 0.5
"""Confidence from which on a match is called sure: the way back misses by no more than a cell."""


@dataclass(frozen=True)
class PairChoice:
    """The pairs with the largest stride."""

    stride: int
    """Frames from one frame of a pair to the other; 0 where there are no pairs."""
    every: NDArray[np.intp]
    """Rows of the semantic flow with that distance."""
    missing: NDArray[np.bool_]
    """(len(every),) whether one of its frames is damaged or lost."""
    apart: NDArray[np.bool_]
    """(len(every),) whether the scene changes between its frames."""

    @property
    def usable(self) -> NDArray[np.intp]:
        """Rows of whole frames of one scene."""
        return self.every[~self.missing & ~self.apart]


def select_widest_pairs(semantic: SemanticFlow, shot: NDArray[np.intp]) -> PairChoice:
    """The pairs of the widest distance; `shot` (frames,) is the number of the shot of each frame."""
    first, second = (np.array([getattr(p, name) for p in semantic.pairs], np.intp) for name in ("frame_a", "frame_b"))
    stride = int((second - first).max(initial=0))
    every = np.flatnonzero(second - first == stride)
    missing = np.array([semantic.pairs[row].mutual_share is None for row in every], np.bool_)
    return PairChoice(stride, every, missing, shot[second[every]] > shot[first[every]])


def select_informative_pairs(semantic: SemanticFlow, rows: NDArray[np.intp], count: int) -> list[int]:
    """At most `count` of `rows`: of each of as many equal parts of the video the one with the most sure motion.

    Only the middle half of a part is asked, so that two parts do not show the same moment.
    """
    looked_at = rows[:: max(1, -(-len(rows) // MAX_CANDIDATES))]
    count = min(count, len(looked_at))
    parts = np.array_split(looked_at, count) if count else []
    middles = (part[len(part) // 4 : len(part) - len(part) // 4] for part in parts)
    return [int(max(middle, key=lambda row: mean_confident_motion(semantic, int(row)))) for middle in middles]


def mean_confident_motion(semantic: SemanticFlow, row: int) -> float:
    """Mean length of a pair's flow in pixels, counting unsure cells as still."""
    return float(
        confident_lengths(semantic.flow(row), semantic.confidence(row) >= MIN_CONFIDENCE).mean(dtype=np.float64)
    )


def confident_lengths(flow: FlowField, sure: NDArray[np.bool_]) -> NDArray[np.float32]:
    """(h, w) lengths of the flow as most cells around have it, so that no wild one counts; 0 where not sure."""
    x, y = (cv2.medianBlur(np.ascontiguousarray(flow[..., i]), MEDIAN_CELLS) for i in range(2))
    return np.where(sure, np.hypot(x, y), np.float32(0)).astype(np.float32)
