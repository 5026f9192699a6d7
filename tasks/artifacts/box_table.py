"""Base of tables with a frame and a bounding box in every row, and checks of both."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from tasks.artifacts.table import Column, Table, column
from tasks.errors import SemflowError

EDGES = {
    "x1": "left edge, working-size pixels, x to the right",
    "y1": "top edge, y downwards",
    "x2": "right edge",
    "y2": "bottom edge",
}


def edge_column(name: Literal["x1", "y1", "x2", "y2"]) -> Column:
    """Declare one of the four columns of a box."""
    return column("float32", "px", EDGES[name])


class BoxTable(Table):
    """A table with a frame and a bounding box in every row.

    It is no dataclass, so that each table declares the order of its columns: inherited fields would come first.
    """

    frame: Column
    x1: Column
    y1: Column
    x2: Column
    y2: Column
    frame_count: int

    @property
    def xyxy(self) -> NDArray[np.float32]:
        """(n, 4) boxes: left, top, right, bottom in pixels."""
        return np.stack([self.x1, self.y1, self.x2, self.y2], axis=1)

    def take_boxes(self, rows: NDArray[np.integer] | slice) -> NDArray[np.float64]:
        """(k, 4) boxes of `rows` alone, in double precision."""
        return np.stack([self.x1[rows], self.y1[rows], self.x2[rows], self.y2[rows]], axis=1).astype(np.float64)

    def check_values(self) -> None:
        check_boxes(type(self).__name__, self.xyxy)
        check_frames(type(self).__name__, self.frame, self.frame_count)


def check_boxes(name: str, xyxy: NDArray[np.float32]) -> None:
    """Raise SemflowError, naming the first row, where boxes violate x1 <= x2 and y1 <= y2."""
    bad = np.flatnonzero((xyxy[:, 0] > xyxy[:, 2]) | (xyxy[:, 1] > xyxy[:, 3]))
    if len(bad):
        raise SemflowError(f"{name} boxes must have x1 <= x2 and y1 <= y2, got {xyxy[bad[0]].tolist()} in row {bad[0]}")


def check_frames(name: str, frame: Column, frame_count: int) -> None:
    """Raise SemflowError where frames lie outside of [0, frame_count) or decrease."""
    if not len(frame):
        return
    if frame.min() < 0 or frame.max() >= frame_count:
        raise SemflowError(f"{name}.frame must lie in [0, {frame_count}), got {frame.min()} to {frame.max()}")
    back = np.flatnonzero(np.diff(frame) < 0)
    if len(back):
        raise SemflowError(
            f"{name}.frame must not decrease, got {frame[back[0]]} then {frame[back[0] + 1]} in row {back[0] + 1}"
        )
