"""Where two flows of one pair of frames say the same.

Optical flow links the same point, semantic flow what means the same. Where both agree, either may be trusted; where
they part, one of them is wrong, or the point is hidden.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tasks.arrays import FlowField


def compute_agreement(first: FlowField, second: FlowField, unit_px: float) -> NDArray[np.float32]:
    """(h, w) 1 / (1 + distance of both vectors' ends in units of `unit_px`); NaN where either is NaN.

    1 where both are the same, 1/2 where they are a unit apart. A grid cell is a fair unit for semantic flow.
    """
    gap = first - second
    return (1 / (1 + np.hypot(gap[..., 0], gap[..., 1]) / np.float32(unit_px))).astype(np.float32)


def mean_agreement(agreement_map: NDArray[np.float32]) -> float:
    """Mean over what is known; NaN where nothing is."""
    known = agreement_map[np.isfinite(agreement_map)]
    return float(known.mean(dtype=np.float64)) if len(known) else float("nan")
