"""What the detector saw."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tasks.artifacts.placed import Boxed, edge
from tasks.artifacts.table import Column, column, fact


@dataclass(frozen=True, eq=False)
class Detections(Boxed):
    """A row per detected object and frame, ordered by frame, then score (highest first)."""

    FOLDER: ClassVar[str] = "data/detections"

    frame: Column = column("int32", "index", "frame in which the object is seen")
    class_id: Column = column("int16", "index", "class in the detector's own numbering")
    class_name: Column = column("string", "", "class in words")
    score: Column = column("float32", "0..1", "detector's confidence")
    x1: Column = edge("x1")
    y1: Column = edge("y1")
    x2: Column = edge("x2")
    y2: Column = edge("y2")
    frame_count: int = fact("frames", "rows of the frames artifact that these were found in")
    width: int = fact("px", "working width of the frames")
    height: int = fact("px", "working height of the frames")
