"""Greedy non-maximum suppression (NMS) of boxes within classes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tasks.geometry.bounding_boxes import pairwise_iou


def non_maximum_suppression(
    xyxy: NDArray[np.float32],
    score: NDArray[np.float32],
    group: NDArray[np.integer],
    iou_threshold: float,
    limit: int,
) -> NDArray[np.intp]:
    """(k,) rows to keep, best score first, equal scores in their own order, at most `limit`.

    A row is removed when its IoU with a better one of its group exceeds `iou_threshold`.
    """
    waiting = np.argsort(-score, kind="stable")
    kept: list[np.intp] = []
    while len(waiting) and len(kept) < limit:
        best, waiting = waiting[0], waiting[1:]
        kept.append(best)
        overlaps = pairwise_iou(xyxy[best, None], xyxy[waiting])[0] > iou_threshold
        waiting = waiting[~(overlaps & (group[waiting] == group[best]))]
    return np.array(kept, np.intp)
