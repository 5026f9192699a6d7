"""Where chosen points are in every frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tasks.artifacts.detections import check_frames
from tasks.artifacts.table import Column, Table, column, fact


@dataclass(frozen=True, eq=False)
class PointTracks(Table):
    """A row per point and frame of its take, ordered by frame, then point."""

    FOLDER: ClassVar[str] = "data/point_tracks"

    frame: Column = column("int32", "index", "frame in which the point is")
    point: Column = column("int32", "index", "which point: its place in what was asked, from 0")
    x: Column = column("float32", "px", "working-size pixels, x to the right; NaN where it is lost", nullable=True)
    y: Column = column("float32", "px", "y downwards; NaN where it is lost", nullable=True)
    visible: Column = column("bool", "", "whether the flow could be followed up to here")
    frame_count: int = fact("frames", "rows of the frames artifact")
    width: int = fact("px", "working width of the frames")
    height: int = fact("px", "working height of the frames")

    def check(self) -> None:
        check_frames(type(self).__name__, self.frame, self.frame_count)
