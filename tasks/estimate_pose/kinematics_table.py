"""The table of kinematics, computed per track from the smoothed keypoints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tasks.arrays import Floats
from tasks.artifacts.kinematics import Kinematics
from tasks.artifacts.poses import Poses
from tasks.estimate_pose.body_height import estimate_body_height
from tasks.estimate_pose.gait import detect_walking_bouts
from tasks.estimate_pose.joint_angles import (
    compute_joint_angles,
    compute_midpoint,
    compute_pose_asymmetry,
    compute_trunk_lean,
)
from tasks.estimate_pose.keypoint_velocity import compute_speed, compute_velocity
from tasks.estimate_pose.pose_segments import split_at_gaps
from tasks.estimate_pose.pose_table import group_track_rows

if TYPE_CHECKING:
    from tasks.estimate_pose.params import EstimatePoseParams

Columns = dict[str, NDArray[Any]]


def compute_kinematics(poses: Poses, pts_s: Floats, params: EstimatePoseParams) -> Kinematics:
    """Kinematics of every row of `poses`; `pts_s` are the times of all frames."""
    time_s, xy = pts_s[poses.frame], poses.smooth_xy.astype(np.float64)
    angles = compute_joint_angles(xy)
    columns: Columns = {
        **angles,
        "trunk_lean": compute_trunk_lean(xy),
        "pose_asymmetry": compute_pose_asymmetry(angles),
        **_compute_temporal_columns(poses, time_s, xy, params),
    }
    return Kinematics(
        frame=poses.frame,
        track_id=poses.track_id,
        pts_s=time_s,
        **{
            name: values.astype(np.float32) if values.dtype == np.float64 else values
            for name, values in columns.items()
        },
        video=poses.video,
        frame_count=poses.frame_count,
    )


def _compute_temporal_columns(poses: Poses, time_s: Floats, xy: Floats, params: EstimatePoseParams) -> Columns:
    """The columns that depend on more than one frame: body height, speeds and gait."""
    count = len(poses)
    columns: Columns = {
        name: np.full(count, np.nan) for name in ("body_height", "travel", "cadence", "step_asymmetry", "foot_lead")
    }
    columns |= {"speed": np.full(xy.shape[:2], np.nan), "heel_strike": np.full(count, "none", object)}
    for rows in group_track_rows(poses.track_id):
        height = estimate_body_height(time_s[rows], xy[rows])
        columns["body_height"][rows] = height
        for segment in split_at_gaps(time_s[rows], params.bridge_s):
            part, tall = rows[segment], height[segment]
            columns["speed"][part] = compute_speed(compute_velocity(time_s[part], xy[part])) / tall[:, None]
            columns["travel"][part] = (
                compute_speed(compute_velocity(time_s[part], compute_midpoint(xy[part], "hip"))) / tall
            )
        for bout in detect_walking_bouts(time_s[rows], xy[rows], height, params.min_steps, params.bridge_s):
            columns["heel_strike"][rows[bout.rows]] = bout.sides
            columns["foot_lead"][rows[bout.within]] = bout.lead
            within = rows[bout.rows[0] : bout.rows[-1] + 1]
            columns["cadence"][within] = bout.compute_cadence(time_s[within])
            columns["step_asymmetry"][within] = bout.asymmetry
    return columns
