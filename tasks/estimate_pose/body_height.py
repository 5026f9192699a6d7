"""Body height in pixels from the lengths of body segments, independent of bending and crouching.

Segment lengths in body heights: Drillis and Contini (1966), as printed in Winter (2009), figure 4.1. Projection
shortens a segment and never lengthens it, so the upper quartile over a time window is taken.
"""

from __future__ import annotations

import numpy as np

from tasks.arrays import Floats
from tasks.artifacts.poses import KEYPOINT_INDEX
from tasks.estimate_pose.joint_angles import SIDES, compute_midpoint

TRUNK, THIGH, SHANK = 0.818 - 0.530, 0.530 - 0.285, 0.285 - 0.039  # shoulder, hip, knee and ankle above the ground
SEGMENT_SHARES = np.array([TRUNK, THIGH, SHANK])
UPPER_QUARTILE = 75
WINDOW_S = 1.0  # to both sides: longer than a stride, shorter than a walk towards the camera


def estimate_body_height(time_s: Floats, xy: Floats) -> Floats:
    """(t,) body height in pixels of one person with (t, 26, 2) keypoints; NaN without a trunk in the time window."""
    heights = estimate_frame_height(xy)
    known = np.flatnonzero(np.isfinite(heights))
    if not len(known):
        return np.full(len(time_s), np.nan)
    first = np.searchsorted(time_s[known], time_s - WINDOW_S)
    last = np.searchsorted(time_s[known], time_s + WINDOW_S, side="right")
    return np.array(
        [
            np.percentile(heights[known[a:b]], UPPER_QUARTILE) if a < b else np.nan
            for a, b in zip(first, last, strict=True)
        ]
    )


def estimate_frame_height(xy: Floats) -> Floats:
    """(n,) body height by trunk, thigh and shank as far as known, of the longer side in the image.

    NaN without a trunk: legs alone are too often foreshortened.
    """
    trunk = np.linalg.norm(compute_midpoint(xy, "shoulder") - compute_midpoint(xy, "hip"), axis=1)
    lengths = np.stack([trunk, _longer_side(xy, "hip", "knee"), _longer_side(xy, "knee", "ankle")], axis=1)
    known = np.isfinite(lengths)
    return np.where(
        known[:, 0], np.where(known, lengths, 0).sum(axis=1) / np.maximum(known @ SEGMENT_SHARES, TRUNK), np.nan
    )


def _longer_side(xy: Floats, first: str, second: str) -> Floats:
    """(n,) length of a body segment, of the longer side in the image; NaN where neither is known."""
    sides = [xy[:, KEYPOINT_INDEX[f"{first}_{side}"]] - xy[:, KEYPOINT_INDEX[f"{second}_{side}"]] for side in SIDES]
    return np.fmax(*np.linalg.norm(sides, axis=2))
