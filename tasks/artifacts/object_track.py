"""Where one object is that somebody pointed at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tasks.artifacts.placed import Boxed, edge
from tasks.artifacts.table import Column, column, fact


@dataclass(frozen=True, eq=False)
class ObjectTrack(Boxed):
    """A row per frame from the one in which the box was given; no stage makes it, and it lies where it is asked for."""

    FOLDER: ClassVar[str] = "objects"

    frame: Column = column("int32", "index", "frame in which the object is")
    found: Column = column("bool", "", "whether it was found; else the box is where it was last")
    score: Column = column("float32", "0..1", "likeness to what was pointed at; 0 where not found, and with csrt")
    x1: Column = edge("x1")
    y1: Column = edge("y1")
    x2: Column = edge("x2")
    y2: Column = edge("y2")
    by: str = fact("", "match or csrt")
    frame_count: int = fact("frames", "rows of the frames artifact")
    width: int = fact("px", "working width of the frames")
    height: int = fact("px", "working height of the frames")
