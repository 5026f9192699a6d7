"""The pose model of a run: poses of the tracked people of one frame, by RTMPose or YOLO."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import numpy as np
from numpy.typing import NDArray

from tasks.arrays import Image
from tasks.estimate_pose.frame_poses import FramePoses, PersonCriteria, find_frame_poses
from tasks.estimate_pose.params import BACKEND_WEIGHTS, EstimatePoseParams
from tasks.estimate_pose.pose_detector import PoseDetector
from tasks.estimate_pose.rtmpose_model import load_rtmpose
from tasks.estimate_pose.top_down_poses import TopDownEstimator
from tasks.yolo.yolo_model import load_yolo

PoseFinder = Callable[[Image, NDArray[np.float32], NDArray[np.float32]], FramePoses]
"""Image, (n, 4) xyxy boxes of tracked people and their (n, k, 2) previous poses, NaN without one, to poses."""
SKELETON_OF: Mapping[str, str] = {"rtmpose": "halpe26", "yolo": "coco17"}


def make_pose_finder(params: EstimatePoseParams, device: str, batch: int) -> PoseFinder:
    """The finder that `params.backend` names, its model loaded; RTMPose computes on the CPU on every machine."""
    if params.backend == "rtmpose":
        return TopDownEstimator(
            load_rtmpose(BACKEND_WEIGHTS["rtmpose"]), params.flip, params.keypoint_score, params.min_keypoints
        ).find_poses
    detector = make_pose_detector(params, device, batch)
    criteria = PersonCriteria(params.crop_below, params.affinity, params.keypoint_score, params.min_keypoints)
    return partial(find_frame_poses, detector=detector, criteria=criteria)


def make_pose_detector(params: EstimatePoseParams, device: str, batch: int) -> PoseDetector:
    """YOLO's pose model with the settings of `params`."""
    model = load_yolo(BACKEND_WEIGHTS["yolo"], device)
    return PoseDetector(
        model,
        params.image_size,
        params.crop_height,
        params.score_threshold,
        params.nms_iou,
        batch if model.batched else 1,
    )
