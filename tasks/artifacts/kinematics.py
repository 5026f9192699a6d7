"""Kinematics of tracked people: joint angles, speeds, symmetry and gait events in the image plane.

Lengths are in body heights, as one camera gives no metric scale. Angles and speeds are projected ones: smaller where
the motion is towards the camera. Values are NaN wherever a keypoint that they need is not trusted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from tasks.artifacts.box_table import check_frames
from tasks.artifacts.poses import KEYPOINT_COUNT
from tasks.artifacts.table import Column, Table, column, metadata_field
from tasks.errors import SemflowError

JOINTS = tuple(f"{part}_{side}" for part in ("elbow", "shoulder", "hip", "knee", "ankle") for side in ("left", "right"))
"""The joints with an angle, each a column of the table."""
HEEL_STRIKES = ("none", "left", "right", "unsided")


def _angle(meaning: str) -> Column:
    return column("float32", "degrees", f"{meaning}; 180 is straight", nullable=True)


@dataclass(frozen=True, eq=False)
class Kinematics(Table):
    """A row for each row of poses, in the same order."""

    FOLDER: ClassVar[str] = "data/kinematics"

    frame: Column = column("int32", "index", "frame, as in poses")
    track_id: Column = column("int32", "index", "identity, as in tracks")
    pts_s: Column = column("float64", "s", "presentation time of the frame")
    body_height: Column = column("float32", "px", "height of the body standing upright, from its limbs", nullable=True)
    elbow_left: Column = _angle("between upper arm and forearm")
    elbow_right: Column = _angle("between upper arm and forearm")
    shoulder_left: Column = column("float32", "degrees", "between trunk and upper arm; 0 is hanging", nullable=True)
    shoulder_right: Column = column("float32", "degrees", "between trunk and upper arm; 0 is hanging", nullable=True)
    hip_left: Column = _angle("between trunk and thigh")
    hip_right: Column = _angle("between trunk and thigh")
    knee_left: Column = _angle("between thigh and shank")
    knee_right: Column = _angle("between thigh and shank")
    ankle_left: Column = column(
        "float32", "degrees", "between shank and foot, by the big toe; about 110 standing", nullable=True
    )
    ankle_right: Column = column(
        "float32", "degrees", "between shank and foot, by the big toe; about 110 standing", nullable=True
    )
    trunk_lean: Column = column(
        "float32", "degrees", "trunk from the vertical of the picture, to its right positive", nullable=True
    )
    pose_asymmetry: Column = column(
        "float32", "degrees", "mean difference of left and right angles; 0 is a mirror image", nullable=True
    )
    travel: Column = column("float32", "body heights/s", "speed of the middle of the hips", nullable=True)
    speed: Column = column(
        "float32", "body heights/s", "speed of each keypoint, in the order of poses", KEYPOINT_COUNT, True
    )
    heel_strike: Column = column(
        "string", "", "none, or the foot that strikes the ground: left, right, unsided (one of them)"
    )
    foot_lead: Column = column(
        "float32",
        "body heights",
        "in a walk: how far the left heel is ahead of the right one, each from its hip; the step's length at a strike "
        "(ankles, where the skeleton has no heels)",
        nullable=True,
    )
    cadence: Column = column("float32", "steps/min", "steps per minute around this moment of a walk", nullable=True)
    step_asymmetry: Column = column(
        "float32",
        "%",
        "difference of the mean times of left and right steps of this walk over their mean",
        nullable=True,
    )
    frame_count: int = metadata_field("frames", "rows of the frames artifact")

    def angle(self, joint: str) -> NDArray[np.float32]:
        """(n,) angles of one of JOINTS, degrees."""
        if joint not in JOINTS:
            raise SemflowError(f"joint must be one of {', '.join(JOINTS)}, got {joint!r}")
        return getattr(self, joint)

    def check_values(self) -> None:
        check_frames("Kinematics", self.frame, self.frame_count)
        odd = sorted(set(self.heel_strike) - set(HEEL_STRIKES))
        if odd:
            raise SemflowError(f"Kinematics.heel_strike must be one of {', '.join(HEEL_STRIKES)}, got {odd[0]!r}")
        angles = np.stack([self.angle(joint) for joint in JOINTS])
        if (angles < 0).any() or (angles > 180).any():  # noqa: PLR2004  degrees
            raise SemflowError(
                f"Kinematics angles must lie in [0, 180], got {np.nanmin(angles)} to {np.nanmax(angles)}"
            )
