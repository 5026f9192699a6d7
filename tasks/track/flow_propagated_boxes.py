"""Boxes carried by dense flow over frames in which the detector missed them.

A box goes where the median of the trusted flow in its inner half goes (Kalal et al., "Forward-backward error", 2010,
with dense flow in place of tracked points), and keeps its size. It is lost where half of that flow may not be trusted,
and behind a box that is detected: what moves there then is somebody else. They fill gaps and tell no identities: let
loose on filters or on matching, they cling to whoever walks in front (measured on scenes and on real pedestrians).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.arrays import Floats, Indices
from tasks.artifacts.dense_flow import DenseFlow
from tasks.geometry.bounding_boxes import box_area

INNER_SHARE = 0.5  # of width and height: the rest of a box is mostly background
MIN_VALID_SHARE = 0.5  # of the inner pixels
MAX_OCCLUDED_SHARE = 0.5  # of a box's area, behind one other that is detected


@dataclass(frozen=True, eq=False)
class FlowPropagatedBoxes:
    """Boxes without a detection, ordered by the detection that they continue, then frame."""

    after: Indices
    """(n,) row of the detections artifact: the latest one of the same object."""
    frame: Indices
    xyxy: Floats
    """(n, 4) pixels."""

    @classmethod
    def of(cls, parts: list[tuple[Indices, Indices, Floats]]) -> FlowPropagatedBoxes:
        """From (after, frame, xyxy) of frames in order."""
        after, frame, xyxy = (
            np.concatenate(column)
            for column in zip((np.empty(0, np.intp), np.empty(0, np.intp), np.empty((0, 4))), *parts, strict=True)
        )
        order = np.argsort(after, kind="stable")
        return cls(after[order], frame[order], xyxy[order])

    def between(self, rows: Indices, frame: Indices) -> Indices:
        """Those that lie in the gaps of one track, given its detections' rows and frames, ascending."""
        low, high = np.searchsorted(self.after, rows[:-1]), np.searchsorted(self.after, rows[:-1], side="right")
        found = [np.arange(a, b) for a, b in zip(low, high, strict=True) if b > a]
        inside = np.concatenate([np.empty(0, np.intp), *found])
        following = frame[np.searchsorted(rows, self.after[inside]) + 1]
        return inside[self.frame[inside] < following]


NO_PROPAGATED_BOXES = FlowPropagatedBoxes.of([])


def median_box_flow(flow: DenseFlow, pair: int, xyxy: Floats) -> tuple[Floats, NDArray[np.bool_]]:
    """(n, 2) where the flow of `pair` takes (n, 4) boxes of its first frame, and (n,) whether it may be trusted."""
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


def find_occluded(xyxy: Floats, others: Floats) -> NDArray[np.bool_]:
    """(n,) whether one of the (m, 4) `others` covers more than MOST_HIDDEN of each of the (n, 4) boxes."""
    if not len(others):
        return np.zeros(len(xyxy), np.bool_)
    low = np.maximum(xyxy[:, None, :2], others[:, :2])
    high = np.minimum(xyxy[:, None, 2:], others[:, 2:])
    shared = np.maximum(high - low, 0).prod(axis=2).max(axis=1)
    return np.asarray(shared > MAX_OCCLUDED_SHARE * box_area(xyxy))
