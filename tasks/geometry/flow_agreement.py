"""Agreement of two flow fields of the same pair of frames.

Optical flow tracks the same point, semantic flow the most similar one. Where both agree, either may be trusted; where
they differ, one of them is wrong, or the point is occluded.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tasks.arrays import FlowField


def compute_agreement(first: FlowField, second: FlowField, unit_px: float) -> NDArray[np.float32]:
    """(h, w) 1 / (1 + endpoint distance in units of `unit_px`); NaN where either flow is NaN.

    1 for equal vectors, 1/2 for vectors one unit apart. For semantic flow a grid cell is a suitable unit.
    """
    gap = first - second
    return (1 / (1 + np.hypot(gap[..., 0], gap[..., 1]) / np.float32(unit_px))).astype(np.float32)


def mean_agreement(agreement_map: NDArray[np.float32]) -> float:
    """Mean over the finite values; NaN where there are none."""
    known = agreement_map[np.isfinite(agreement_map)]
    return float(known.mean(dtype=np.float64)) if len(known) else float("nan")
