"""Where one object is that somebody pointed at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from tasks.artifacts.detections import check_boxes, check_frames
from tasks.artifacts.table import Column, Table, column, fact


@dataclass(frozen=True, eq=False)
class ObjectTrack(Table):
    """A row per frame from the one in which the box was given; no stage makes it, and it lies where it is asked for."""

    FOLDER: ClassVar[str] = "objects"

    frame: Column = column("int32", "index", "frame in which the object is")
    found: Column = column("bool", "", "whether it was found; else the box is where it was last")
    score: Column = column("float32", "0..1", "likeness to what was pointed at; 0 where not found, and with csrt")
    x1: Column = column("float32", "px", "left edge, working-size pixels, x to the right")
    y1: Column = column("float32", "px", "top edge, y downwards")
    x2: Column = column("float32", "px", "right edge")
    y2: Column = column("float32", "px", "bottom edge")
    by: str = fact("", "match or csrt")
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
