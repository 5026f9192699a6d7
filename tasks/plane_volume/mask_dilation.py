"""Dilation of a mask by a square structuring element."""

from __future__ import annotations

import cv2
import numpy as np

from tasks.arrays import Mask


def dilate_mask(mask: Mask, radius: int) -> Mask:
    """(h, w) pixels within `radius` of the mask, by rows and by columns."""
    kernel = np.ones((2 * radius + 1,) * 2, np.uint8)
    return cv2.dilate(mask.astype(np.uint8), kernel).astype(np.bool_)
