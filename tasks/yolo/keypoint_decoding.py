"""Decoding of a YOLO pose model's predictions for one image: people as boxes with 17 keypoints each.

Model: YOLO11n-pose (Ultralytics, 2024), trained on COCO keypoints. Its head gives, per anchor, a box, one score and 17
triples of x, y and score; overlapping people are suppressed by their boxes, as ultralytics does. Keypoints, like boxes,
are in COCO's convention and are mapped back by the same letterbox, so numbers are those of ultralytics' own predict.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.geometry.bounding_boxes import cxcywh_to_xyxy
from tasks.geometry.nms import non_maximum_suppression

KEYPOINTS = 17
SCORE = 4  # the column after the box
FIRST_KEYPOINT = 5


@dataclass(frozen=True)
class Skeletons:
    """People found in one image, best score first where they come from one run of the model."""

    xyxy: NDArray[np.float32]
    """(n, 4) boxes: left, top, right, bottom in pixels."""
    score: NDArray[np.float32]
    """(n,) confidence that this is a person, 0..1."""
    keypoints: NDArray[np.float32]
    """(n, k, 2) x, y in pixels; of YOLO's models k = 17, COCO's order."""
    keypoint_score: NDArray[np.float32]
    """(n, k) confidence that the keypoint is visible, 0..1."""

    def __len__(self) -> int:
        return len(self.score)

    def take(self, rows: NDArray[np.bool_] | NDArray[np.intp]) -> Skeletons:
        """The people at `rows`."""
        return Skeletons(self.xyxy[rows], self.score[rows], self.keypoints[rows], self.keypoint_score[rows])

    @classmethod
    def from_parts(cls, parts: Sequence[Skeletons], keypoints: int = KEYPOINTS) -> Skeletons:
        """The people of several runs with `keypoints` keypoints each, in the order of `parts`."""
        return cls(
            np.concatenate([np.empty((0, 4), np.float32), *(part.xyxy for part in parts)]),
            np.concatenate([np.empty(0, np.float32), *(part.score for part in parts)]),
            np.concatenate([np.empty((0, keypoints, 2), np.float32), *(part.keypoints for part in parts)]),
            np.concatenate([np.empty((0, keypoints), np.float32), *(part.keypoint_score for part in parts)]),
        )


def decode_keypoints(columns: NDArray[np.float32], score_threshold: float, nms_iou: float, limit: int) -> Skeletons:
    """(56, anchors) columns of centre, size, score and keypoints as people, after NMS; best first."""
    rows = columns[:, columns[SCORE] >= score_threshold].T
    xyxy = cxcywh_to_xyxy(rows[:, :SCORE]).astype(np.float32, copy=False)
    points = rows[:, FIRST_KEYPOINT:].reshape(-1, KEYPOINTS, 3)
    people = Skeletons(xyxy, rows[:, SCORE], points[..., :2], points[..., 2])
    return people.take(suppress_skeletons(people, nms_iou, limit))


def suppress_skeletons(people: Skeletons, nms_iou: float, limit: int) -> NDArray[np.intp]:
    """Rows of the best `limit` people after non-maximum suppression: IoU with a better one at most `nms_iou`."""
    return non_maximum_suppression(people.xyxy, people.score, np.zeros(len(people), np.intp), nms_iou, limit)
