"""How every tracked person stands and moves: 17 keypoints, and what follows from them.

Model: YOLO11n-pose (Ultralytics, 2024). It sees the whole frame, and closer windows around tracked people who are small
in it or were missed; keypoints belong to tracks, are smoothed over time with no delay, and give joint angles, speeds,
steps and symmetry (kinematics). The pixels are those of the frames artifact: more of them (decode.max_side) help people
who are far away. Everything is measured in the plane of the picture: an angle is the one that the camera sees.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from tasks.artifacts.frames import Frames
from tasks.artifacts.kinematics import Kinematics
from tasks.artifacts.poses import COUNT, Poses
from tasks.artifacts.tracks import Tracks
from tasks.params import Compute, Params
from tasks.stage import stage


class EstimatePoseParams(Params):
    """Who gets a pose, how it is smoothed, and what counts as a step."""

    weights: Literal["yolo11n-pose"]
    """Model."""
    image_size: int = Field(ge=32, le=4096, multiple_of=32)
    """Longer side of the whole frame as the model sees it, pixels."""
    crop_height: int = Field(ge=32, le=4096, multiple_of=32)
    """Height of the window around one person as the model sees it, pixels; the person fills four fifths of it."""
    crop_below: float = Field(ge=0)
    """People lower than this in the whole frame as the model sees it, in pixels, get a window; 0: only missed ones."""
    score_threshold: float = Field(gt=0, lt=1)
    """Skeletons scored lower are left out."""
    nms_iou: float = Field(gt=0, le=1)
    """Overlap of boxes above which the weaker of two skeletons is dropped as the same person seen twice."""
    affinity: float = Field(gt=0, lt=1)
    """Least affinity of a skeleton and a track: overlap of boxes times the share of keypoints in the track's box."""
    keypoint_score: float = Field(ge=0, lt=1)
    """Score from which a keypoint is trusted; others are kept as seen, but neither smoothed nor measured with."""
    min_keypoints: int = Field(ge=1, le=COUNT)
    """Trusted keypoints that make a pose; a skeleton with fewer gives no row."""
    smoothing: Literal["kalman", "none"]
    """kalman: forth and back over the whole track, no delay; none: trusted keypoints as seen."""
    cutoff_hz: float = Field(gt=0)
    """Motion at this frequency is halved, slower kept, faster lost: 6 Hz for gait (Winter, 2009), more for dance."""
    bridge_s: float = Field(ge=0)
    """Gaps up to this long are bridged, seconds."""
    min_steps: int = Field(ge=2)
    """Steps in a row that make a walk."""


@stage(
    libraries=(
        "numpy", "onnx", "onnxruntime", "opencv-python", "pyarrow", "scipy", "torch", "torchvision", "ultralytics",
    ),
    weights=lambda params: (params.weights,),
    accelerator=True,
    kernels=("onnxruntime", "cuda"),
)  # fmt: skip
def estimate_pose(
    frames: Frames, tracks: Tracks, params: EstimatePoseParams, compute: Compute
) -> tuple[Poses, Kinematics]:
    """Poses of the tracked people in the whole frames of a video, and their kinematics."""
    from tasks.device import resolve_device
    from tasks.estimate_pose.measure import measure
    from tasks.estimate_pose.pose_table import pose_table

    poses = pose_table(frames, tracks, params, resolve_device(compute.device), compute.batch)
    return poses, measure(poses, frames.pts_s, params)
