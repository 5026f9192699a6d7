"""Object detections: one row per detected object and frame, with class, score and bounding box in pixels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tasks.artifacts.box_table import BoxTable, edge_column
from tasks.artifacts.table import Column, column, metadata_field, time_column


@dataclass(frozen=True, eq=False)
class Detections(BoxTable):
    """A row per detected object and frame, ordered by frame, then score (highest first)."""

    FOLDER: ClassVar[str] = "data/detections"

    frame: Column = column("int32", "index", "frame in which the object is seen")
    pts_s: Column = time_column()
    class_id: Column = column("int16", "index", "class in the detector's own numbering")
    class_name: Column = column("string", "", "class in words")
    score: Column = column("float32", "0..1", "detector's confidence")
    x1: Column = edge_column("x1")
    y1: Column = edge_column("y1")
    x2: Column = edge_column("x2")
    y2: Column = edge_column("y2")
    frame_count: int = metadata_field("frames", "rows of the frames artifact that these were found in")
    width: int = metadata_field("px", "working width of the frames")
    height: int = metadata_field("px", "working height of the frames")
