"""Error measures of optical flow against ground truth: endpoint error and KITTI's Fl outliers.

The endpoint error (Otte and Nagel, 1994; Baker et al., 2011) is the distance between the ends of both vectors, in
pixels; its mean is EPE. Fl outliers (Menze and Geiger, 2015, KITTI) are wrong by at least 3 px and by at least 5 % of
the true length; their share in per cent is Fl-all. Both are taken over the pixels whose true flow is known.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tasks.arrays import FlowField

UNKNOWN_FLOW = 1e9  # Middlebury's flow code: the truth is unknown where a component is at least this large
OUTLIER_PX = 3.0  # KITTI 2015
OUTLIER_SHARE = 0.05  # KITTI 2015


def find_known_pixels(truth: FlowField) -> NDArray[np.bool_]:
    """(h, w) where the true flow is known."""
    below = np.abs(truth) < UNKNOWN_FLOW  # NaN compares false, and so is unknown too
    return below[..., 0] & below[..., 1]


def compute_endpoint_errors(flow: FlowField, truth: FlowField) -> NDArray[np.float64]:
    """(n,) endpoint error of each pixel with known truth, px."""
    where = find_known_pixels(truth)
    return np.linalg.norm(flow[where].astype(np.float64) - truth[where], axis=1)


def find_fl_outliers(flow: FlowField, truth: FlowField) -> NDArray[np.bool_]:
    """(n,) whether each pixel with known truth is a Fl outlier."""
    error = compute_endpoint_errors(flow, truth)
    length = np.linalg.norm(truth[find_known_pixels(truth)].astype(np.float64), axis=1)
    return (error >= OUTLIER_PX) & (error >= OUTLIER_SHARE * length)
