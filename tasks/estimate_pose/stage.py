"""How every tracked person stands and moves: 17 keypoints, and what follows from them.

Model: YOLO11n-pose (Ultralytics, 2024). It sees the whole frame, and closer windows around tracked people who are small
in it or were missed; keypoints belong to tracks, are smoothed over time with no delay, and give joint angles, speeds,
steps and symmetry (kinematics). The pixels are those of the frames artifact: more of them (decode.max_side) help people
who are far away. Everything is measured in the plane of the picture: an angle is the one that the camera sees.
"""

from __future__ import annotations

from tasks.artifacts.frames import Frames
from tasks.artifacts.kinematics import Kinematics
from tasks.artifacts.poses import Poses
from tasks.artifacts.tracks import Tracks
from tasks.estimate_pose.params import EstimatePoseParams
from tasks.params import Compute
from tasks.stage import stage


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
    from tasks.estimate_pose.kinematics_table import compute_kinematics
    from tasks.estimate_pose.pose_table import make_pose_table

    poses = make_pose_table(frames, tracks, params, resolve_device(compute.device), compute.batch)
    return poses, compute_kinematics(poses, frames.pts_s, params)
