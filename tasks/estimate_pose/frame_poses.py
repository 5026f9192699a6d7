"""The skeletons of the tracked people of one frame: a whole look, a closer look where it is needed, one assignment."""

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
    """What makes a skeleton somebody's pose."""

    small: float
    """Tracked people lower than this in the whole look, in its pixels, are looked at closer."""
    affinity: float
    """Least affinity of a skeleton and a tracked person."""
    keypoint_score: float
    """Score from which a keypoint counts."""
    keypoints: int
    """Counting keypoints that make a pose."""


@dataclass(frozen=True)
class FramePoses:
    """Poses of one frame, by box."""

    box: NDArray[np.intp]
    """(n,) row of the boxes that were asked for, increasing."""
    people: Skeletons
    closer: NDArray[np.bool_]
    """(n,) whether it was seen in a crop."""


def find_frame_poses(
    image: Image, boxes: NDArray[np.float32], before: NDArray[np.float32], looker: PoseDetector, choice: PersonCriteria
) -> FramePoses:
    """Poses of the people in (n, 4) xyxy `boxes` of `image`, who had the (n, 17, 2) poses `before`, or NaN.

    The whole image is looked at only if somebody is tall enough to be seen in it. Skeletons of both looks compete as
    one set: two of one person overlap, and the more confident one stays.
    """
    gain = looker.image_size / max(image.shape[:2])
    small = (boxes[:, 3] - boxes[:, 1]) * gain < choice.small
    whole = select_complete_skeletons(looker.whole(image), choice) if not small.all() else Skeletons.from_parts([])
    missed = np.ones(len(boxes), np.bool_)
    missed[assign_skeletons(whole, boxes, choice.affinity, before)[1]] = False
    close = select_complete_skeletons(looker.closer(image, boxes[small | missed]), choice)
    everyone = Skeletons.from_parts([whole, close])
    kept = suppress_skeletons(everyone, looker.nms_iou, MAX_PEOPLE)
    skeleton, box = assign_skeletons(everyone.take(kept), boxes, choice.affinity, before)
    return FramePoses(box, everyone.take(kept[skeleton]), kept[skeleton] >= len(whole))


def select_complete_skeletons(people: Skeletons, choice: PersonCriteria) -> Skeletons:
    """Those with enough keypoints that count."""
    return people.take((people.keypoint_score >= choice.keypoint_score).sum(axis=1) >= choice.keypoints)
