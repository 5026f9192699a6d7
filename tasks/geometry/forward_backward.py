"""Where a flow can be trusted: the way there and back must end where it began.

Sundaram, Brox and Keutzer, "Dense point trajectories by GPU-accelerated large displacement optical flow" (ECCV 2010),
eq. 5: a point is consistent where |w + w'|^2 < 0.01 (|w|^2 + |w'|^2) + 0.5, w being the forward flow at the point and
w' the backward flow where it leads. It fails where a point is hidden in the other image, and where a flow is wrong.
Difference: a point that leaves the image is not consistent, whatever the border says.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.arrays import FlowField
from tasks.geometry.warp import find_targets_inside, warp_image

RELATIVE_TOLERANCE = np.float32(0.01)  # Sundaram et al., eq. 5: share of the squared lengths
ABSOLUTE_TOLERANCE_PX2 = np.float32(0.5)  # Sundaram et al., eq. 5: squared pixels


def find_consistent_pixels(there: FlowField, back: FlowField) -> NDArray[np.bool_]:
    """(h, w) where following `there` and then `back` returns; for the other image swap the two."""
    back_there = warp_image(back, there)
    gap = _squared_length(there + back_there)
    allowed = RELATIVE_TOLERANCE * (_squared_length(there) + _squared_length(back_there)) + ABSOLUTE_TOLERANCE_PX2
    return (gap < allowed) & find_targets_inside(there)


def _squared_length(flow: FlowField) -> NDArray[np.floating[Any]]:
    products = flow * flow
    return products[..., 0] + products[..., 1]
