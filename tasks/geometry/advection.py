"""Advection of points by a flow field, with bilinear sampling."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.arrays import FlowField, Points32

OUTSIDE_IMAGE = -2.0  # a coordinate outside every image, in place of NaN, since cv2.remap does not take NaN


def advect_points(points: Points32, flow: FlowField, valid: NDArray[np.bool_]) -> Points32:
    """(h, w, 2) `points` moved by the `flow` at them; NaN where the flow there is not `valid`."""
    known = _sample_bilinear(valid.astype(np.float32), points) > 0.5  # noqa: PLR2004  most of the bilinear weight
    return np.where(known[..., None], points + _sample_bilinear(flow, points), np.float32(np.nan))


def _sample_bilinear(image: NDArray[np.float32], points: Points32) -> NDArray[np.float32]:
    """Bilinear values of the (H, W) or (H, W, c) `image` at (h, w, 2) `points`; 0 outside it and where NaN."""
    remap: Any = cv2.remap
    at = np.nan_to_num(points, nan=OUTSIDE_IMAGE)
    return remap(image, at, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
