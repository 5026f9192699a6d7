"""Single-object track: the bounding box in every frame of an object that the user selected by a box."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tasks.artifacts.box_table import BoxTable, edge_column
from tasks.artifacts.table import Column, column, metadata_field, time_column


@dataclass(frozen=True, eq=False)
class ObjectTrack(BoxTable):
    """A row per frame from that of the user's box on; made by a command, which takes the output path."""

    FOLDER: ClassVar[str] = "objects"

    frame: Column = column("int32", "index", "frame in which the object is")
    pts_s: Column = time_column()
    found: Column = column("bool", "", "whether it was found; else the box is where it was last")
    score: Column = column(
        "float32", "0..1", "similarity to the marked object; 0 where not found, and with other methods than semantic"
    )
    x1: Column = edge_column("x1")
    y1: Column = edge_column("y1")
    x2: Column = edge_column("x2")
    y2: Column = edge_column("y2")
    by: str = metadata_field("", "semantic, csrt or lucas-kanade")
    frame_count: int = metadata_field("frames", "rows of the frames artifact")
    width: int = metadata_field("px", "working width of the frames")
    height: int = metadata_field("px", "working height of the frames")
