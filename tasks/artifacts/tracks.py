"""Multi-object tracks: one row per tracked object and frame, with identity, class and bounding box in pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from tasks.artifacts.box_table import BoxTable, edge_column
from tasks.artifacts.table import Column, column, metadata_field, time_column
from tasks.errors import SemflowError

INTERPOLATED, FLOW_PREDICTED, ADDED_BY_HAND = -1, -2, -3
"""Values of the column `detection` in rows without a detection: interpolated, predicted by dense flow, or added by a
correction."""


@dataclass(frozen=True, eq=False)
class Tracks(BoxTable):
    """A row per tracked object and frame, ordered by frame, then track_id."""

    FOLDER: ClassVar[str] = "data/tracks"

    frame: Column = column("int32", "index", "frame in which the object is")
    pts_s: Column = time_column()
    track_id: Column = column("int32", "index", "identity from 1, by appearance unless corrected, never reused")
    class_id: Column = column("int16", "index", "class in the detector's own numbering; one per track")
    class_name: Column = column("string", "", "class in words")
    score: Column = column(
        "float32",
        "0..1",
        "confidence of the detection behind the row; 0 without one, 1 if added by hand",
    )
    x1: Column = edge_column("x1")
    y1: Column = edge_column("y1")
    x2: Column = edge_column("x2")
    y2: Column = edge_column("y2")
    detection: Column = column(
        "int32", "index", "row of detections; or -1 filled in, -2 carried by flow, -3 added by hand"
    )
    frame_count: int = metadata_field("frames", "rows of the frames artifact")
    width: int = metadata_field("px", "working width of the frames")
    height: int = metadata_field("px", "working height of the frames")
    notes: Sequence[str] = metadata_field("", "corrections that found nothing to correct, in sentences", default=())

    def check_values(self) -> None:
        super().check_values()
        if not len(self):
            return
        if self.track_id.min() < 1:
            raise SemflowError(f"Tracks.track_id must be at least 1, got {self.track_id.min()}")
        self._check_order()
        self._check_identity()

    def _check_order(self) -> None:
        same_frame, step = np.diff(self.frame) == 0, np.diff(self.track_id)
        if (same_frame & (step == 0)).any():
            raise SemflowError("Tracks must have one row per frame and track_id, got the same pair twice")
        back = np.flatnonzero(same_frame & (step < 0))
        if len(back):
            raise SemflowError(
                f"Tracks.track_id must increase within a frame, got {self.track_id[back[0]]} then "
                f"{self.track_id[back[0] + 1]} in row {back[0] + 1}"
            )

    def _check_identity(self) -> None:
        ids, first, track = np.unique(self.track_id, return_index=True, return_inverse=True)
        other = np.flatnonzero(self.class_id != self.class_id[first][track])
        if len(other):
            raise SemflowError(
                f"Tracks.class_id must be one per track, got {self.class_id[first][track][other[0]]} and "
                f"{self.class_id[other[0]]} in track {ids[track[other[0]]]}"
            )
        if self.detection.min() < ADDED_BY_HAND:
            raise SemflowError(f"Tracks.detection must be a row, -1, -2 or -3, got {self.detection.min()}")
        row, count = np.unique(self.detection[self.detection >= 0], return_counts=True)
        if (count > 1).any():
            raise SemflowError(f"Tracks.detection must not repeat, got {row[count > 1][0]} twice")
