"""Who is who over time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from tasks.artifacts.detections import check_boxes, check_frames
from tasks.artifacts.table import Column, Table, column, fact
from tasks.errors import SemflowError


@dataclass(frozen=True, eq=False)
class Tracks(Table):
    """A row per tracked object and frame, ordered by frame, then track_id."""

    FOLDER: ClassVar[str] = "data/tracks"

    frame: Column = column("int32", "index", "frame in which the object is")
    track_id: Column = column("int32", "index", "identity: from 1, in order of appearance, never reused")
    class_id: Column = column("int16", "index", "class in the detector's own numbering; one per track")
    class_name: Column = column("string", "", "class in words")
    score: Column = column("float32", "0..1", "confidence of the detection behind the row; 0 where there is none")
    x1: Column = column("float32", "px", "left edge, working-size pixels, x to the right")
    y1: Column = column("float32", "px", "top edge, y downwards")
    x2: Column = column("float32", "px", "right edge")
    y2: Column = column("float32", "px", "bottom edge")
    detection: Column = column("int32", "index", "row of the detections artifact behind this row, or -1 for none")
    frame_count: int = fact("frames", "rows of the frames artifact")
    width: int = fact("px", "working width of the frames")
    height: int = fact("px", "working height of the frames")

    @property
    def xyxy(self) -> NDArray[np.float32]:
        """(n, 4) boxes: left, top, right, bottom in pixels."""
        return np.stack([self.x1, self.y1, self.x2, self.y2], axis=1)

    def check(self) -> None:
        check_boxes(type(self).__name__, self.xyxy)
        check_frames(type(self).__name__, self.frame, self.frame_count)
        if len(self) and self.track_id.min() < 1:
            raise SemflowError(f"Tracks.track_id must be at least 1, got {self.track_id.min()}")
        pairs = np.stack([self.frame, self.track_id], axis=1)
        if len(np.unique(pairs, axis=0)) != len(pairs):
            raise SemflowError("Tracks must have one row per frame and track_id, got the same pair twice")
