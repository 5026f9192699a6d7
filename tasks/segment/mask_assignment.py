"""Assignment of segmented objects to detections of one frame, by class and overlap of boxes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tasks.geometry.bounding_boxes import pairwise_iou


def assign_instances(
    boxes: NDArray[np.float32],
    names: NDArray[np.object_],
    instance_boxes: NDArray[np.float32],
    instance_names: NDArray[np.object_],
    min_iou: float,
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """(n,) instance of each detection, -1 without one, and (n,) IoU of their boxes, 0 without.

    One to one, of one class and with at least `min_iou`; of all such assignments the one with the greatest sum of IoU
    (Kuhn, 1955, by SciPy). Boxes are (n, 4) and (m, 4) xyxy.
    """
    from scipy.optimize import linear_sum_assignment

    iou = pairwise_iou(boxes.astype(np.float64), instance_boxes.astype(np.float64))
    iou = np.where((names[:, None] == instance_names[None]) & (iou >= min_iou), iou, 0.0)
    found, overlap = np.full(len(boxes), -1, np.intp), np.zeros(len(boxes))
    row, instance = linear_sum_assignment(iou, maximize=True)
    overlap[row] = iou[row, instance]
    found[row] = np.where(overlap[row] > 0, instance, -1)
    return found, overlap
