"""Point tracks: position and visibility of chosen points in every frame of a video."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from tasks.artifacts.box_table import check_frames
from tasks.artifacts.table import Column, Table, column, metadata_field, time_column
from tasks.errors import SemflowError


@dataclass(frozen=True, eq=False)
class PointPaths(Table):
    """A row per frame and point, ordered by frame, then point; made by a command, which takes the output path."""

    FOLDER: ClassVar[str] = "field"

    frame: Column = column("int32", "index", "row of the frames artifact")
    pts_s: Column = time_column()
    point: Column = column("int32", "index", "which point: 0 is the first that was asked for")
    x: Column = column("float32", "px", "working-size pixels, to the right; where the point is hidden, where it may be")
    y: Column = column("float32", "px", "downwards")
    visible: Column = column("bool", "", "whether the point is seen there")
    confidence: Column = column("float32", "0..1", "what is left of the trust in it; 1 in the frame it was chosen in")
    frame_count: int = metadata_field("frames", "rows of the frames artifact")
    width: int = metadata_field("px", "working width of the frames")
    height: int = metadata_field("px", "working height of the frames")

    def check_values(self) -> None:
        check_frames(type(self).__name__, self.frame, self.frame_count)
        if not ((self.confidence >= 0) & (self.confidence <= 1)).all():
            raise SemflowError(f"PointPaths.confidence must lie in 0..1, got {float(np.max(self.confidence)):g}")
