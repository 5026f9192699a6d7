"""How far a flow is from the truth: EPE and Fl-all.

EPE is the mean endpoint error (Otte and Nagel, 1994; Baker et al., 2011), in pixels. Fl-all is KITTI's share of
outliers (Menze and Geiger, 2015): wrong by at least 3 px and by at least 5 % of the true length, in per cent. Both are
taken over the pixels whose true flow is known.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tasks.arrays import FlowField

UNKNOWN_FLOW = 1e9  # Middlebury's flow code: components from here on mean that the truth is not known
OUTLIER_PX = 3.0  # KITTI 2015
OUTLIER_SHARE = 0.05  # KITTI 2015


def find_known_pixels(truth: FlowField) -> NDArray[np.bool_]:
    """(h, w) where the truth is known."""
    below = np.abs(truth) < UNKNOWN_FLOW  # NaN compares false, and so is unknown too
    return below[..., 0] & below[..., 1]


def compute_endpoint_errors(flow: FlowField, truth: FlowField) -> NDArray[np.float64]:
    """(n,) distance between the ends of both vectors at each known pixel, in pixels."""
    where = find_known_pixels(truth)
    return np.linalg.norm(flow[where].astype(np.float64) - truth[where], axis=1)


def epe(flow: FlowField, truth: FlowField) -> float:
    """Mean endpoint error over known pixels, in pixels; NaN where none is known."""
    errors = compute_endpoint_errors(flow, truth)
    return float(errors.mean()) if len(errors) else float("nan")


def find_fl_outliers(flow: FlowField, truth: FlowField) -> NDArray[np.bool_]:
    """(n,) KITTI's outliers among the known pixels."""
    error = compute_endpoint_errors(flow, truth)
    length = np.linalg.norm(truth[find_known_pixels(truth)].astype(np.float64), axis=1)
    return (error >= OUTLIER_PX) & (error >= OUTLIER_SHARE * length)


def fl_all(flow: FlowField, truth: FlowField) -> float:
    """Outliers among known pixels, in per cent; NaN where none is known."""
    wrong = find_fl_outliers(flow, truth)
    return 100 * float(wrong.mean()) if len(wrong) else float("nan")
