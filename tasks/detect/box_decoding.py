"""What a YOLO model said about one image, as boxes.

Both kinds of head may name one box under several classes, as the COCO figures of these models assume: YOLO26's
one-to-one head (Ultralytics, 2026; after YOLOv10, Wang et al., 2024) takes the best pairs of anchor and class, and the
one-to-many head of YOLO11 is read the same way before suppression.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.geometry.bounding_boxes import cxcywh_to_xyxy
from tasks.geometry.nms import non_maximum_suppression

BOX = 4  # numbers before the scores


@dataclass(frozen=True)
class DetectedBoxes:
    """Boxes of one image, best score first."""

    xyxy: NDArray[np.float32]
    """(n, 4) left, top, right, bottom in pixels."""
    score: NDArray[np.float32]
    class_id: NDArray[np.int16]

    def take(self, rows: NDArray[np.bool_] | NDArray[np.intp]) -> DetectedBoxes:
        """Some of them."""
        return DetectedBoxes(self.xyxy[rows], self.score[rows], self.class_id[rows])

    @classmethod
    def joined(cls, parts: Sequence[DetectedBoxes]) -> DetectedBoxes:
        """Those of several images, one image after the other."""
        return cls(
            np.concatenate([np.empty((0, BOX), np.float32), *(part.xyxy for part in parts)]),
            np.concatenate([np.empty(0, np.float32), *(part.score for part in parts)]),
            np.concatenate([np.empty(0, np.int16), *(part.class_id for part in parts)]),
        )


def decode_one_to_one(rows: NDArray[np.float32], score_threshold: float) -> DetectedBoxes:
    """(k, 6) rows of x1, y1, x2, y2, score, class as boxes scored `score_threshold` or better; best first."""
    rows = rows[rows[:, BOX] >= score_threshold]
    rows = rows[np.argsort(-rows[:, BOX], kind="stable")]
    return DetectedBoxes(rows[:, :BOX], rows[:, BOX], rows[:, BOX + 1].astype(np.int16))


def decode_one_to_many(
    columns: NDArray[np.float32], score_threshold: float, nms_iou: float, limit: int
) -> DetectedBoxes:
    """(4 + classes, anchors) columns of centre, size and scores as boxes, overlapping ones of a class suppressed."""
    scores = columns[BOX:].T
    anchor, class_id = np.nonzero(scores >= score_threshold)
    score = scores[anchor, class_id]
    xyxy = cxcywh_to_xyxy(columns[:BOX, anchor].T).astype(np.float32, copy=False)
    kept = non_maximum_suppression(xyxy, score, class_id, nms_iou, limit)
    return DetectedBoxes(xyxy, score, class_id.astype(np.int16)).take(kept)
