"""What the detector saw."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from tasks.artifacts.table import Column, Table, column, fact
from tasks.errors import SemflowError


@dataclass(frozen=True, eq=False)
class Detections(Table):
    """A row per detected object and frame, ordered by frame, then score (highest first)."""

    FOLDER: ClassVar[str] = "data/detections"

    frame: Column = column("int32", "index", "frame in which the object is seen")
    class_id: Column = column("int16", "index", "class in the detector's own numbering")
    class_name: Column = column("string", "", "class in words")
    score: Column = column("float32", "0..1", "detector's confidence")
    x1: Column = column("float32", "px", "left edge, working-size pixels, x to the right")
    y1: Column = column("float32", "px", "top edge, y downwards")
    x2: Column = column("float32", "px", "right edge")
    y2: Column = column("float32", "px", "bottom edge")
    frame_count: int = fact("frames", "rows of the frames artifact that these were found in")
    width: int = fact("px", "working width of the frames")
    height: int = fact("px", "working height of the frames")

    @property
    def xyxy(self) -> NDArray[np.float32]:
        """(n, 4) boxes: left, top, right, bottom in pixels."""
        return np.stack([self.x1, self.y1, self.x2, self.y2], axis=1)

    def check(self) -> None:
        check_boxes(type(self).__name__, self.xyxy)
        check_frames(type(self).__name__, self.frame, self.frame_count)


def check_boxes(name: str, xyxy: NDArray[np.float32]) -> None:
    """Boxes must have x1 <= x2 and y1 <= y2; the first row that has not is named."""
    bad = np.flatnonzero((xyxy[:, 0] > xyxy[:, 2]) | (xyxy[:, 1] > xyxy[:, 3]))
    if len(bad):
        raise SemflowError(f"{name} boxes must have x1 <= x2 and y1 <= y2, got {xyxy[bad[0]].tolist()} in row {bad[0]}")


def check_frames(name: str, frame: Column, frame_count: int) -> None:
    """Frames must lie in [0, frame_count) and not decrease."""
    if not len(frame):
        return
    if frame.min() < 0 or frame.max() >= frame_count:
        raise SemflowError(f"{name}.frame must lie in [0, {frame_count}), got {frame.min()} to {frame.max()}")
    back = np.flatnonzero(np.diff(frame) < 0)
    if len(back):
        raise SemflowError(
            f"{name}.frame must not decrease, got {frame[back[0]]} then {frame[back[0] + 1]} in row {back[0] + 1}"
        )
