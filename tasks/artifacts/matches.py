"""Region correspondence: detected boxes of one frame matched to those of another by feature similarity."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from tasks.artifacts.box_table import check_boxes
from tasks.artifacts.table import Column, Table, column, metadata_field, time_column
from tasks.errors import SemflowError


@dataclass(frozen=True, eq=False)
class Matches(Table):
    """A row per matched region of frames a and b, ordered by frame_a, frame_b, detection_a."""

    FOLDER: ClassVar[str] = "data/matches"

    frame_a: Column = column("int32", "index", "the earlier frame")
    frame_b: Column = column("int32", "index", "the later frame")
    start_s: Column = time_column("presentation time of frame a")
    end_s: Column = time_column("presentation time of frame b")
    detection_a: Column = column("int32", "index", "row of the detections artifact that is the region in frame a")
    detection_b: Column = column("int32", "index", "row of the detections artifact that is the region in frame b")
    class_name_a: Column = column("string", "", "class of the region in frame a, in words")
    class_name_b: Column = column("string", "", "class of the region in frame b, in words")
    cosine: Column = column("float32", "-1..1", "cosine of the angle between the mean vectors of both regions")
    mutual: Column = column(
        "bool", "", "whether each is the other's best among all regions, not only in the assignment"
    )
    a_x1: Column = column("float32", "px", "left edge in frame a, working-size pixels, x to the right")
    a_y1: Column = column("float32", "px", "top edge in frame a, y downwards")
    a_x2: Column = column("float32", "px", "right edge in frame a")
    a_y2: Column = column("float32", "px", "bottom edge in frame a")
    b_x1: Column = column("float32", "px", "left edge in frame b")
    b_y1: Column = column("float32", "px", "top edge in frame b")
    b_x2: Column = column("float32", "px", "right edge in frame b")
    b_y2: Column = column("float32", "px", "bottom edge in frame b")
    frame_count: int = metadata_field("frames", "rows of the frames artifact")
    width: int = metadata_field("px", "working width of the frames")
    height: int = metadata_field("px", "working height of the frames")

    @property
    def xyxy_a(self) -> NDArray[np.float32]:
        """(n, 4) boxes in frame a: left, top, right, bottom in pixels."""
        return np.stack([self.a_x1, self.a_y1, self.a_x2, self.a_y2], axis=1)

    @property
    def xyxy_b(self) -> NDArray[np.float32]:
        """(n, 4) boxes in frame b: left, top, right, bottom in pixels."""
        return np.stack([self.b_x1, self.b_y1, self.b_x2, self.b_y2], axis=1)

    def check_values(self) -> None:
        check_boxes("Matches a", self.xyxy_a)
        check_boxes("Matches b", self.xyxy_b)
        bad = np.flatnonzero((self.frame_a < 0) | (self.frame_b <= self.frame_a) | (self.frame_b >= self.frame_count))
        if len(bad):
            raise SemflowError(
                f"Matches frames must satisfy 0 <= frame_a < frame_b < {self.frame_count}, "
                f"got {self.frame_a[bad[0]]} and {self.frame_b[bad[0]]} in row {bad[0]}"
            )
        for side in ("a", "b"):
            keys = np.stack([self.frame_a, self.frame_b, getattr(self, f"detection_{side}")], axis=1)
            if len(np.unique(keys, axis=0)) < len(keys):
                raise SemflowError(f"Matches.detection_{side} must not repeat within a pair of frames, got one twice")
