"""Forward-backward consistency check of optical flow: following the flow there and back must return to the start.

Sundaram, Brox and Keutzer, "Dense point trajectories by GPU-accelerated large displacement optical flow" (ECCV 2010),
eq. 5: a point is consistent where |w + w'|^2 < 0.01 (|w|^2 + |w'|^2) + 0.5, w being the forward flow at the point and
w' the backward flow at its target. It fails where a point is occluded in the other image, and where a flow is wrong.
Difference: a point that leaves the image is never consistent.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.arrays import FlowField, Mask
from tasks.geometry.warp import find_points_inside, sample_image, target_points

RELATIVE_TOLERANCE = np.float32(0.01)  # Sundaram et al., eq. 5: share of the squared lengths
ABSOLUTE_TOLERANCE_PX2 = np.float32(0.5)  # Sundaram et al., eq. 5: squared pixels


def find_consistent_pixels(forward: FlowField, backward: FlowField, spacing: int = 1) -> Mask:
    """(h, w) where `forward` and then `backward` return to the start; for the other image swap the two.

    `spacing` is the distance of neighbouring vectors in pixels, where the fields are coarser than the images.
    """
    targets = target_points(forward / np.float32(spacing))
    warped = sample_image(backward, targets)
    gap = _squared_length(forward + warped)
    allowed = RELATIVE_TOLERANCE * (_squared_length(forward) + _squared_length(warped)) + ABSOLUTE_TOLERANCE_PX2
    return (gap < allowed) & find_points_inside(targets, *forward.shape[:2])


def _squared_length(flow: FlowField) -> NDArray[np.floating[Any]]:
    products = flow * flow
    return products[..., 0] + products[..., 1]
