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
from tasks.geometry.warp import lands_inside, warp

RELATIVE = np.float32(0.01)  # Sundaram et al., eq. 5: share of the squared lengths
ABSOLUTE_PX2 = np.float32(0.5)  # Sundaram et al., eq. 5: squared pixels


def consistent(there: FlowField, back: FlowField) -> NDArray[np.bool_]:
    """(h, w) where following `there` and then `back` returns; for the other image swap the two."""
    back_there = warp(back, there)
    gap = _squared(there + back_there)
    allowed = RELATIVE * (_squared(there) + _squared(back_there)) + ABSOLUTE_PX2
    return (gap < allowed) & lands_inside(there)


def _squared(flow: FlowField) -> NDArray[np.floating[Any]]:
    products = flow * flow
    return products[..., 0] + products[..., 1]
