"""Axis-aligned bounding boxes as arrays: conversions, areas and IoU. Names state the format.

xyxy is left, top, right, bottom; cxcywh is centre, width, height; pixels, x right, y down. Boxes are continuous spans,
not pixel counts: the width is x2 - x1.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.arrays import AnyFloats


def xyxy_to_cxcywh(xyxy: AnyFloats) -> NDArray[Any]:
    """(..., 4) corners to centre and size."""
    low, high = xyxy[..., :2], xyxy[..., 2:]
    return np.concatenate([(low + high) / 2, high - low], axis=-1)


def cxcywh_to_xyxy(cxcywh: AnyFloats) -> NDArray[Any]:
    """(..., 4) centre and size to corners; a negative size counts as 0, so that the corners never swap."""
    half = np.maximum(cxcywh[..., 2:], 0) / 2
    return np.concatenate([cxcywh[..., :2] - half, cxcywh[..., :2] + half], axis=-1)


def box_area(xyxy: AnyFloats) -> NDArray[Any]:
    """(...,) area, square pixels."""
    return (xyxy[..., 2] - xyxy[..., 0]) * (xyxy[..., 3] - xyxy[..., 1])


def pairwise_iou(first: AnyFloats, second: AnyFloats) -> NDArray[Any]:
    """(n, m) intersection over union of every pair of xyxy boxes; 0 where both have no area."""
    left, top, right, bottom = first.T[:, :, None]
    # In place: for hundreds of boxes memory traffic dominates the time.
    width = np.minimum(right, second[:, 2])
    width -= np.maximum(left, second[:, 0])
    height = np.minimum(bottom, second[:, 3])
    height -= np.maximum(top, second[:, 1])
    np.maximum(width, 0, out=width)
    np.maximum(height, 0, out=height)
    width *= height
    union = box_area(first)[:, None] + box_area(second)
    union -= width
    return np.divide(width, union, out=np.zeros_like(width), where=union > 0)
