"""Suppression of poses of one person in two boxes, by the similarity of their keypoints.

A tracker may follow one person under two identities for a while, and both boxes then give the same pose. As MMPose does
with poses of detected boxes, of two whose object keypoint similarity (Lin et al., 2014) exceeds .9 one is discarded.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tasks.artifacts.poses import COCO_KEYPOINTS
from tasks.estimate_pose.skeleton_assignment import compute_pose_similarity
from tasks.yolo.keypoint_decoding import Skeletons

MAX_SIMILARITY = 0.9  # `nms_thr` of MMPose's top-down configurations


def suppress_duplicate_poses(people: Skeletons, preferred: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Rows of `people`, increasing, without duplicates; the `preferred` ones are kept first, then the better scores.

    Preferred are those whose track had a pose before: where two tracks compete for one person, that one keeps it.
    """
    points = people.keypoints[:, : len(COCO_KEYPOINTS)]
    of_body = Skeletons(people.xyxy, people.score, points, people.keypoint_score)
    similarity = compute_pose_similarity(of_body, people.xyxy, points)
    kept: list[int] = []
    for row in np.lexsort((-people.score, ~preferred)).tolist():
        if not kept or similarity[row, kept].max() <= MAX_SIMILARITY:
            kept.append(row)
    return np.sort(np.array(kept, np.intp))
