"""Boxes propagated by dense flow over frames in which the detector missed them.

A box moves by the median of the trusted flow in its inner half and keeps its size: the median-flow tracker (Kalal et
al., "Forward-backward error: automatic detection of tracking failures", 2010) with dense flow in place of tracked
points. Propagation ends where less than half of that flow is trusted, and where a detected box occludes the propagated
one, as the flow there is that of the occluder.
Propagated boxes fill gaps of a track only. Used in the filters or in matching, they drift onto whoever walks in front
(measured on synthetic scenes and on videos of pedestrians).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.arrays import Boxes, Floats, Indices, Points
from tasks.artifacts.dense_flow import DenseFlow
from tasks.geometry.bounding_boxes import box_area

INNER_SHARE = 0.5  # of width and height: the rest of a box is mostly background
MIN_VALID_SHARE = 0.5  # of the inner pixels
MAX_OCCLUDED_SHARE = 0.5  # of a box's area, behind one detected box


@dataclass(frozen=True, eq=False)
class FlowPropagatedBoxes:
    """Boxes without a detection, ordered by the detection that they continue, then by frame."""

    last_detection: Indices
    """(n,) row of the detections artifact: the latest detection of the same object."""
    frame: Indices
    xyxy: Boxes

    @classmethod
    def from_frames(cls, parts: list[tuple[Indices, Indices, Floats]]) -> FlowPropagatedBoxes:
        """From (last_detection, frame, xyxy) of consecutive frames."""
        last_detection, frame, xyxy = (
            np.concatenate(column)
            for column in zip((np.empty(0, np.intp), np.empty(0, np.intp), np.empty((0, 4))), *parts, strict=True)
        )
        order = np.argsort(last_detection, kind="stable")
        return cls(last_detection[order], frame[order], xyxy[order])

    def find_in_gaps(self, rows: Indices, frame: Indices) -> Indices:
        """Indices of the boxes in the gaps of one track, given the rows and frames of its detections, ascending."""
        low = np.searchsorted(self.last_detection, rows[:-1])
        high = np.searchsorted(self.last_detection, rows[:-1], side="right")
        found = [np.arange(a, b) for a, b in zip(low, high, strict=True) if b > a]
        inside = np.concatenate([np.empty(0, np.intp), *found])
        following = frame[np.searchsorted(rows, self.last_detection[inside]) + 1]
        return inside[self.frame[inside] < following]


NO_PROPAGATED_BOXES = FlowPropagatedBoxes.from_frames([])


def median_box_flow(flow: DenseFlow, pair: int, xyxy: Boxes) -> tuple[Points, NDArray[np.bool_]]:
    """(n, 2) displacement in pixels of (n, 4) boxes from frame `pair` to the next, and (n,) whether it is trusted.

    A box of zeros stands for none: its displacement is 0 and not trusted.
    """
    step, known = np.zeros((len(xyxy), 2)), np.zeros(len(xyxy), np.bool_)
    if not xyxy.any() or not flow.known[pair]:
        return step, known
    forward, valid = flow.forward(pair), flow.valid(pair)
    centre, half = (xyxy[:, :2] + xyxy[:, 2:]) / 2, INNER_SHARE * (xyxy[:, 2:] - xyxy[:, :2]) / 2
    low = np.maximum(np.rint(centre - half), 0).astype(int)
    high = np.maximum(np.rint(centre + half) + 1, 0).astype(int)
    for row, ((left, top), (right, bottom)) in enumerate(zip(low, high, strict=True)):
        trusted = valid[top:bottom, left:right]
        if xyxy[row].any() and trusted.size and trusted.mean() >= MIN_VALID_SHARE:
            step[row], known[row] = np.median(forward[top:bottom, left:right][trusted], axis=0), True
    return step, known


def find_occluded(xyxy: Boxes, others: Boxes) -> NDArray[np.bool_]:
    """(n,) whether one of the (m, 4) `others` covers more than MAX_OCCLUDED_SHARE of each of the (n, 4) boxes."""
    if not len(others):
        return np.zeros(len(xyxy), np.bool_)
    low = np.maximum(xyxy[:, None, :2], others[:, :2])
    high = np.minimum(xyxy[:, None, 2:], others[:, 2:])
    shared = np.maximum(high - low, 0).prod(axis=2).max(axis=1)
    return np.asarray(shared > MAX_OCCLUDED_SHARE * box_area(xyxy))
