"""Assignment of skeletons to tracked people, one to one.

The affinity of a skeleton and a track is the IoU of their boxes times the share of the skeleton's keypoints (weighted
by score) inside the track's box: where people overlap, boxes alone are ambiguous. Added to it is the similarity to the
track's previous pose, COCO's object keypoint similarity (Lin et al., 2014) with one width for all keypoints: where two
tracks compete for one person, the one that had the pose keeps it. Of all pairs of sufficient affinity, the assignment
with the greatest sum is taken (Kuhn, 1955, the Hungarian method, by SciPy).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tasks.geometry.bounding_boxes import pairwise_iou
from tasks.yolo.keypoint_decoding import Skeletons

BOX_MARGIN = 0.1  # of the box size on each side: hands and feet extend a little beyond smoothed boxes
OKS_KAPPA = 0.16  # kappa of OKS: twice the mean of COCO's sigmas, about .08


def compute_affinity(people: Skeletons, boxes: NDArray[np.float32]) -> NDArray[np.float64]:
    """(n, m) affinity of n skeletons and m xyxy boxes, 0..1."""
    return pairwise_iou(people.xyxy.astype(np.float64), boxes.astype(np.float64)) * compute_inside_share(people, boxes)


def compute_inside_share(people: Skeletons, boxes: NDArray[np.float32]) -> NDArray[np.float64]:
    """(n, m) share of each skeleton's keypoints, weighted by score, that lies in each box with its margin."""
    reach = BOX_MARGIN * (boxes[:, 2:] - boxes[:, :2])
    low, high = boxes[:, :2] - reach, boxes[:, 2:] + reach
    points = people.keypoints[:, None]  # n, 1, 17, 2
    inside = ((points >= low[:, None]) & (points <= high[:, None])).all(axis=3)  # n, m, 17
    weight = people.keypoint_score[:, None].astype(np.float64)
    total = weight.sum(axis=2)
    return np.divide((weight * inside).sum(axis=2), total, out=np.zeros(inside.shape[:2]), where=total > 0)


def compute_pose_similarity(
    people: Skeletons, boxes: NDArray[np.float32], before: NDArray[np.float32]
) -> NDArray[np.float64]:
    """(n, m) keypoint similarity of n skeletons and the (m, 17, 2) poses `before`, 0..1; 0 where these are NaN."""
    size = np.maximum((boxes[:, 2:] - boxes[:, :2]).prod(axis=1), 1.0).astype(np.float64)
    apart = ((people.keypoints[:, None].astype(np.float64) - before) ** 2).sum(axis=3)  # n, m, 17
    return np.nan_to_num(np.exp(-apart / (2 * size[:, None] * OKS_KAPPA**2)).mean(axis=2))


def assign_skeletons(
    people: Skeletons, boxes: NDArray[np.float32], min_affinity: float, before: NDArray[np.float32]
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Assigned rows of `people` and rows of `boxes` with an affinity of at least `min_affinity`, sorted by box.

    `before` are the (m, 17, 2) poses of the boxes' tracks shortly before, NaN where there was none.
    """
    from scipy.optimize import linear_sum_assignment

    affinities = compute_affinity(people, boxes)
    allowed = affinities >= min_affinity
    skeleton, box = linear_sum_assignment(
        np.where(allowed, affinities + compute_pose_similarity(people, boxes, before), 0), maximize=True
    )
    good = allowed[skeleton, box]
    skeleton, box = skeleton[good], box[good]
    order = np.argsort(box, kind="stable")
    return skeleton[order], box[order]
