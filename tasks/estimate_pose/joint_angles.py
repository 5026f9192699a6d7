"""Joint angles, trunk lean, and left-right asymmetry of a pose, in the image plane."""

from __future__ import annotations

import numpy as np

from tasks.arrays import Floats
from tasks.artifacts.poses import KEYPOINT_INDEX, SIDES

JOINT_CHAINS = {
    "elbow": ("shoulder", "elbow", "wrist"),
    "shoulder": ("hip", "shoulder", "elbow"),
    "hip": ("shoulder", "hip", "knee"),
    "knee": ("hip", "knee", "ankle"),
    "ankle": ("knee", "ankle", "big_toe"),
}
"""Joint to the three keypoints that span its angle, the joint in the middle."""


def compute_joint_angles(xy: Floats) -> dict[str, Floats]:
    """Of (n, 26, 2) keypoints the (n,) angle of each joint in degrees, 0..180; NaN where a keypoint is."""
    return {
        f"{joint}_{side}": compute_angle(*(xy[:, KEYPOINT_INDEX[f"{part}_{side}"]] for part in chain))
        for joint, chain in JOINT_CHAINS.items()
        for side in SIDES
    }


def compute_angle(first: Floats, vertex: Floats, last: Floats) -> Floats:
    """(n,) angle in degrees at `vertex` between (n, 2) `first` and `last`; NaN where two points coincide."""
    a, b = first - vertex, last - vertex
    cross, dot = a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0], (a * b).sum(axis=1)
    # atan2, as arccos loses half of the digits near 0 and 180 degrees.
    angle = np.degrees(np.arctan2(np.abs(cross), dot))
    return np.where((a != 0).any(axis=1) & (b != 0).any(axis=1), angle, np.nan)


def compute_trunk_lean(xy: Floats) -> Floats:
    """(n,) degrees from the vertical to the line from mid-hip to mid-shoulder, positive to the right."""
    x, y = (compute_midpoint(xy, "shoulder") - compute_midpoint(xy, "hip")).T
    return np.degrees(np.arctan2(x, -y))


def compute_midpoint(xy: Floats, part: str) -> Floats:
    """(n, 2) midpoint of the left and the right `part`."""
    return (xy[:, KEYPOINT_INDEX[f"{part}_left"]] + xy[:, KEYPOINT_INDEX[f"{part}_right"]]) / 2


def compute_pose_asymmetry(angles: dict[str, Floats]) -> Floats:
    """(n,) mean absolute difference of left and right joint angles, degrees; NaN where no joint has both."""
    apart = np.stack([np.abs(angles[f"{joint}_left"] - angles[f"{joint}_right"]) for joint in JOINT_CHAINS])
    known = np.isfinite(apart)
    count = known.sum(axis=0)
    total = np.where(known, apart, 0).sum(axis=0)
    return np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)
