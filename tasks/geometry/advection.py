"""Points carried along a flow."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.arrays import FlowField, Points32

OUTSIDE_IMAGE = -2.0  # a coordinate outside every image, for OpenCV, which does not take NaN


def advect_points(places: Points32, flow: FlowField, valid: NDArray[np.bool_]) -> Points32:
    """Where one field carries `places`; NaN where it may not be trusted."""
    known = _sample_bilinear(valid.astype(np.float32), places) > 0.5
    return np.where(known[..., None], places + _sample_bilinear(flow, places), np.float32(np.nan))


def _sample_bilinear(image: NDArray[np.float32], places: Points32) -> NDArray[np.float32]:
    """Bilinear values of the (H, W) or (H, W, c) `image` at (h, w, 2) `places`; 0 outside it and where NaN."""
    remap: Any = cv2.remap
    at = np.nan_to_num(places, nan=OUTSIDE_IMAGE)
    return remap(image, at, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
