"""Poses of the tracked people of one frame: detection in frame and crops, non-maximum suppression, assignment."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.arrays import Image
from tasks.estimate_pose.pose_detector import MAX_PEOPLE, PoseDetector
from tasks.estimate_pose.skeleton_assignment import assign_skeletons
from tasks.yolo.keypoint_decoding import Skeletons, suppress_skeletons


@dataclass(frozen=True)
class PersonCriteria:
    """Thresholds for detecting and accepting the pose of a tracked person."""

    crop_below: float
    """Tracked people lower than this in the model's input of the whole frame, pixels, are detected in crops."""
    affinity: float
    """Minimum affinity of a skeleton and a tracked person."""
    keypoint_score: float
    """Minimum score of a trusted keypoint."""
    min_keypoints: int
    """Minimum number of trusted keypoints."""


@dataclass(frozen=True)
class FramePoses:
    """Poses of one frame, ordered by box."""

    box: NDArray[np.intp]
    """(n,) rows of the queried boxes, increasing."""
    people: Skeletons
    is_from_crop: NDArray[np.bool_]
    """(n,) whether the skeleton was detected in a crop."""


def find_frame_poses(
    image: Image,
    boxes: NDArray[np.float32],
    before: NDArray[np.float32],
    detector: PoseDetector,
    criteria: PersonCriteria,
) -> FramePoses:
    """Poses of the people in (n, 4) xyxy `boxes` of `image`, with (n, 17, 2) previous poses `before`, or NaN.

    The whole image is processed only if a person is tall enough in it. Skeletons of the frame and of the crops are one
    set for non-maximum suppression: of two of one person the more confident one is kept.
    """
    gain = detector.image_size / max(image.shape[:2])
    small = (boxes[:, 3] - boxes[:, 1]) * gain < criteria.crop_below
    whole = (
        select_complete_skeletons(detector.detect_in_frame(image), criteria)
        if not small.all()
        else Skeletons.from_parts([])
    )
    missed = np.ones(len(boxes), np.bool_)
    missed[assign_skeletons(whole, boxes, criteria.affinity, before)[1]] = False
    close = select_complete_skeletons(detector.detect_in_crops(image, boxes[small | missed]), criteria)
    everyone = Skeletons.from_parts([whole, close])
    kept = suppress_skeletons(everyone, detector.nms_iou, MAX_PEOPLE)
    skeleton, box = assign_skeletons(everyone.take(kept), boxes, criteria.affinity, before)
    return FramePoses(box, everyone.take(kept[skeleton]), kept[skeleton] >= len(whole))


def select_complete_skeletons(people: Skeletons, criteria: PersonCriteria) -> Skeletons:
    """Skeletons with at least `criteria.min_keypoints` trusted keypoints."""
    return people.take((people.keypoint_score >= criteria.keypoint_score).sum(axis=1) >= criteria.min_keypoints)
