"""DAVIS' two measures of a mask against the truth: region similarity J and boundary accuracy F.

Perazzi et al., "A Benchmark Dataset and Evaluation Methodology for Video Object Segmentation" (CVPR 2016). J is the
overlap. F is the F-measure of the boundary's pixels: one counts as found where a boundary pixel of the other mask lies
within a tolerance of 0.008 of the image's diagonal, by dilation with a disc in place of a bipartite matching, as in the
official toolkit (davis2017-evaluation).
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np

from tasks.arrays import Floats32, Mask

TOLERANCE = 0.008  # of the image's diagonal, within which two boundaries agree: the official toolkit's


def threshold_share(share: Floats32, height: int, width: int) -> Mask:
    """(height, width) where a soft mask of any size, resampled, is above one half."""
    return cv2.resize(share, (width, height), interpolation=cv2.INTER_LINEAR) > 0.5  # noqa: PLR2004  most of the bilinear weight


def compute_jaccard(mask: Mask, truth: Mask) -> float:
    """J (intersection over union) of two masks of one size; 1 where both are empty."""
    union = int((mask | truth).sum())
    return int((mask & truth).sum()) / union if union else 1.0


def compute_boundary_f(mask: Mask, truth: Mask) -> float:
    """F-measure of the boundaries of two masks of one size; 1 where neither has one, 0 where only one has."""
    found, true = find_boundary(mask), find_boundary(truth)
    if not found.any() or not true.any():
        return float(not found.any() and not true.any())
    radius = int(np.ceil(TOLERANCE * np.hypot(*mask.shape)))
    precision = float(_dilate(true, radius)[found].mean())
    recall = float(_dilate(found, radius)[true].mean())
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def find_boundary(mask: Mask) -> Mask:
    """(h, w) pixels that differ from the one to the right, below, or below to the right; no boundary at the border."""
    wide = np.pad(mask, ((0, 1), (0, 1)), mode="edge")
    boundary: Mask = (mask != wide[:-1, 1:]) | (mask != wide[1:, :-1]) | (mask != wide[1:, 1:])
    return boundary


def _dilate(boundary: Mask, radius: int) -> Mask:
    """(h, w) pixels within `radius` of a boundary pixel."""
    y, x = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    disc: Any = (x * x + y * y <= radius * radius).astype(np.uint8)
    return cv2.dilate(boundary.astype(np.uint8), disc).astype(np.bool_)
