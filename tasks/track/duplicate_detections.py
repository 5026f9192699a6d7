"""Duplicates: several detections of one object in one frame.

A detector without non-maximum suppression, such as YOLO26's one-to-one head, gives some people two nearly equal boxes
for many frames. The second starts a track of its own, and identities then move between the two.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tasks.arrays import Boxes, Indices
from tasks.geometry.bounding_boxes import pairwise_iou


def find_distinct(xyxy: Boxes, class_id: NDArray[np.int16], max_iou: float) -> Indices:
    """Indices, ascending, of the boxes, given best first, that overlap no better kept box of their class by more.

    Greedy non-maximum suppression, in one look at all pairs, as few frames have any.
    """
    too_close = np.triu(pairwise_iou(xyxy, xyxy) > max_iou, 1) & (class_id[:, None] == class_id)
    if not too_close.any():
        return np.arange(len(xyxy))
    kept = np.ones(len(xyxy), np.bool_)
    for better in np.flatnonzero(too_close.any(axis=1)):
        if kept[better]:
            kept &= ~too_close[better]
    return np.flatnonzero(kept)
