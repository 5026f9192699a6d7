"""estimate_pose: keypoints of every tracked person, and kinematics.

Models: RTMPose-s (Jiang et al., 2023), 26 keypoints with heels and toes, in the box of each tracked person; or
YOLO11n-pose (Ultralytics, 2024), COCO's 17, in the whole frame and in crops around people who are small in it or were
missed, assigned to tracks. Poses are smoothed over time without delay; joint angles, speeds, steps and symmetry
(kinematics) follow from them. The input are the pixels of the frames artifact: more of them (decode.max_side) help with
people far away. All measures are in the image plane.
"""

from __future__ import annotations

from tasks.artifacts.frames import Frames
from tasks.artifacts.kinematics import Kinematics
from tasks.artifacts.poses import Poses
from tasks.artifacts.tracks import Tracks
from tasks.estimate_pose.params import BACKEND_WEIGHTS, EstimatePoseParams
from tasks.params import Compute
from tasks.stage import stage


@stage(
    libraries=(
        "numpy", "onnx", "onnxruntime", "opencv-python", "pyarrow", "scipy", "torch", "torchvision", "ultralytics",
    ),
    weights=lambda params: (BACKEND_WEIGHTS[params.backend],),
    accelerator=True,
    kernels=("onnxruntime", "cuda"),
    kernels_for=lambda params: params.kernels,
)  # fmt: skip
def estimate_pose(
    frames: Frames, tracks: Tracks, params: EstimatePoseParams, compute: Compute
) -> tuple[Poses, Kinematics]:
    """Poses of the tracked people in the whole frames of a video, and their kinematics."""
    from tasks.device import resolve_device
    from tasks.estimate_pose.kinematics_table import compute_kinematics
    from tasks.estimate_pose.pose_table import make_pose_table

    device = resolve_device(compute.device) if params.backend == "yolo" else "cpu"
    poses = make_pose_table(frames, tracks, params, device, compute.batch)
    return poses, compute_kinematics(poses, frames.pts_s, params)
