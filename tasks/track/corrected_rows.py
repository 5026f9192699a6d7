"""Finding the rows of a table of tracks that a correction is about, by where its boxes are.

Numbers of tracks change when a detector or a parameter does; an object stays where it is in the film. A box names the
row of its frame that overlaps it most; a segment names the rows of that track from the first of its boxes to the last.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from tasks.arrays import Boxes, Floats, Indices
from tasks.artifacts.corrections import Segment
from tasks.geometry.bounding_boxes import pairwise_iou

MIN_IOU = 0.5
"""Overlap from which a box and a row are of one object: as in the benchmarks of detection and tracking."""
NONE = -1


@dataclass(frozen=True, eq=False)
class RowFinder:
    """Rows of tracks by frame of the film and box."""

    frame: NDArray[np.int64]
    """(n,) frame of the film of each row, in order."""
    track_id: NDArray[np.int32]
    """(n,) identity of each row."""
    xyxy: Boxes
    """(n, 4) pixels of the film."""
    known_frames: NDArray[np.int64]
    """(t,) frames of the film that the tracks cover, in order; at a lower working rate not every one."""

    @cached_property
    def rows_of_frame(self) -> Mapping[int, Indices]:
        """Frame to its rows."""
        frames, first = np.unique(self.frame, return_index=True)
        return dict(zip(frames.tolist(), np.split(np.arange(len(self.frame)), first[1:]), strict=True))

    def find_row(self, box: Floats) -> int:
        """The row that overlaps (5,) `box` most; NONE where none does by MIN_IOU."""
        rows = self.rows_of_frame.get(int(box[0]))
        if rows is None:
            return NONE
        iou = pairwise_iou(box[None, 1:], self.xyxy[rows])[0]
        best = int(iou.argmax())
        return int(rows[best]) if iou[best] >= MIN_IOU else NONE

    def find_segment(self, segment: Segment) -> Indices:
        """The rows of a segment, in order; empty where none of its boxes is found."""
        boxes = self._place_boxes(segment.boxes)
        found = np.array([self.find_row(box) for box in boxes], np.intp)
        at, rows = boxes[found != NONE, 0], found[found != NONE]
        if not len(rows):
            return rows
        first, last = segment.boxes[[0, -1], 0]
        inside = np.flatnonzero((self.frame >= first) & (self.frame <= last))
        # Each frame belongs to the box before it or after it, whichever is nearer.
        nearest = np.abs(self.frame[inside, None] - at[None, :]).argmin(axis=1)
        return inside[self.track_id[inside] == self.track_id[rows[nearest]]]

    def _place_boxes(self, boxes: Floats) -> Floats:
        """The boxes in frames that the tracks cover: those of other frames moved to the nearest one, if inside."""
        if not len(self.known_frames):
            return boxes[:0]
        place = np.searchsorted(self.known_frames, boxes[:, 0]).clip(1, max(len(self.known_frames) - 1, 1))
        before, after = self.known_frames[place - 1], self.known_frames[place.clip(max=len(self.known_frames) - 1)]
        frame = np.where(boxes[:, 0] - before < after - boxes[:, 0], before, after)
        frame = np.unique(frame[(frame >= boxes[0, 0]) & (frame <= boxes[-1, 0])]).astype(np.float64)
        sides = [np.interp(frame, boxes[:, 0], side) for side in boxes[:, 1:].T]
        return np.stack([frame, *sides], axis=1)
