"""Poses and kinematics of one made-up figure, like an H, that walks on the spot."""

from __future__ import annotations

import numpy as np

from tasks.artifacts.kinematics import Kinematics
from tasks.artifacts.poses import KEYPOINT_COUNT, KEYPOINT_INDEX, KEYPOINTS, Poses
from tasks.report.report_data import ReportData

FPS = 25.0
STRIDE = 25  # frames


def make_poses(dossier: ReportData, track_id: int = 1, away: tuple[int, ...] = ()) -> Poses:
    """A figure like an H in every frame but those `away`: left side at x = 200, right at 260, ankles at y = 300."""
    frames = np.array([f for f in range(len(dossier.frames)) if f not in away], np.int32)
    x = np.array(
        [230 if name == "nose" else 200 if name.endswith("left") else 260 for name in KEYPOINT_INDEX], np.float32
    )
    y = np.linspace(100, 300, KEYPOINT_COUNT, dtype=np.float32)
    columns = [np.tile(values, (len(frames), 1)) for values in (x, y)]
    return Poses(
        frame=frames,
        track_id=np.full(len(frames), track_id, np.int32),
        score=np.full(len(frames), 0.9, np.float32),
        source=np.array(["whole"] * len(frames), object),
        x=columns[0],
        y=columns[1],
        keypoint_score=np.full((len(frames), KEYPOINT_COUNT), 0.9, np.float32),
        smooth_x=columns[0],
        smooth_y=columns[1],
        frame_count=len(dossier.frames),
        width=dossier.frames.width,
        height=dossier.frames.height,
        trusted_score=0.5,
        skeleton="halpe26",
        keypoints=KEYPOINTS,
    )


def make_kinematics(found: Poses, walks: bool = True) -> Kinematics:
    """Knees that bend by up to 60 degrees, the left one first; a left strike every second, a right one between."""
    n = len(found)
    time_s = found.frame / FPS
    unknown = {f.name: np.full(n, np.nan, np.float32) for f in Kinematics.column_fields() if f.metadata["nan"]}
    strike = np.full(n, "none", object)
    if walks:
        strike[found.frame % STRIDE == 5] = "left"
        strike[found.frame % STRIDE == 17] = "right"
    bend = {side: 30 + 30 * np.sin(2 * np.pi * (time_s + at)) for side, at in (("left", 0.0), ("right", 0.5))}
    return Kinematics(
        **unknown
        | {
            "frame": found.frame,
            "track_id": found.track_id,
            "pts_s": time_s,
            "body_height": np.full(n, 210, np.float32),
            "travel": np.full(n, 0.7, np.float32),
            "knee_left": (180 - bend["left"]).astype(np.float32),
            "knee_right": (180 - bend["right"]).astype(np.float32),
            "speed": np.zeros((n, KEYPOINT_COUNT), np.float32),
            "heel_strike": strike,
            "foot_lead": np.where(walks, 0.4 * np.cos(2 * np.pi * time_s), np.nan).astype(np.float32),
            "cadence": np.full(n, 120 if walks else np.nan, np.float32),
            "frame_count": found.frame_count,
        }
    )
