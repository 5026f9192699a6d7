"""Decoding of a YOLO model's predictions for one image into boxes.

Both kinds of head may give one box under several classes, as the COCO figures of these models assume: YOLO26's
one-to-one head (Ultralytics, 2026; after YOLOv10, Wang et al., 2024) takes the best pairs of anchor and class, and the
one-to-many head of YOLO11 is decoded the same way before non-maximum suppression.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from tasks.geometry.bounding_boxes import cxcywh_to_xyxy
from tasks.geometry.nms import non_maximum_suppression

BOX = 4  # columns before the scores
IMAGES_PER_GROUP = 256  # whose boxes are joined at a time


@dataclass(frozen=True)
class DetectedBoxes:
    """Boxes of one image, best score first."""

    xyxy: NDArray[np.float32]
    """(n, 4) left, top, right, bottom in pixels."""
    score: NDArray[np.float32]
    class_id: NDArray[np.int16]

    def take(self, rows: NDArray[np.bool_] | NDArray[np.intp]) -> DetectedBoxes:
        """The boxes at `rows`."""
        return DetectedBoxes(self.xyxy[rows], self.score[rows], self.class_id[rows])

    @classmethod
    def from_parts(cls, parts: Sequence[DetectedBoxes]) -> DetectedBoxes:
        """The boxes of several images, in the order of `parts`."""
        return cls(
            np.concatenate([np.empty((0, BOX), np.float32), *(part.xyxy for part in parts)]),
            np.concatenate([np.empty(0, np.float32), *(part.score for part in parts)]),
            np.concatenate([np.empty(0, np.int16), *(part.class_id for part in parts)]),
        )


def join_boxes(parts: Iterable[DetectedBoxes]) -> DetectedBoxes:
    """The boxes of many images, in the order of `parts`, which are generated meanwhile.

    They are joined a few hundred at a time: arrays of a few boxes take ten times the memory of their boxes.
    """
    left = iter(parts)
    groups = iter(lambda: list(islice(left, IMAGES_PER_GROUP)), [])
    return DetectedBoxes.from_parts([DetectedBoxes.from_parts(group) for group in groups])


def decode_one_to_one(rows: NDArray[np.float32], score_threshold: float) -> DetectedBoxes:
    """Boxes with at least `score_threshold`, best first, from (k, 6) rows of x1, y1, x2, y2, score, class."""
    rows = rows[rows[:, BOX] >= score_threshold]
    rows = rows[np.argsort(-rows[:, BOX], kind="stable")]
    return DetectedBoxes(rows[:, :BOX], rows[:, BOX], rows[:, BOX + 1].astype(np.int16))


def decode_one_to_many(
    columns: NDArray[np.float32], score_threshold: float, nms_iou: float, limit: int
) -> DetectedBoxes:
    """Boxes, best first, from (4 + classes, anchors) centres, sizes and scores, after NMS within each class."""
    scores = columns[BOX:].T
    anchor, class_id = np.nonzero(scores >= score_threshold)
    score = scores[anchor, class_id]
    xyxy = cxcywh_to_xyxy(columns[:BOX, anchor].T).astype(np.float32, copy=False)
    kept = non_maximum_suppression(xyxy, score, class_id, nms_iou, limit)
    return DetectedBoxes(xyxy, score, class_id.astype(np.int16)).take(kept)
