"""Human poses: 17 COCO keypoints per tracked person and frame, as detected and smoothed over time, in pixels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from tasks.artifacts.box_table import check_frames
from tasks.artifacts.table import Column, Table, column, metadata_field
from tasks.errors import SemflowError

if TYPE_CHECKING:
    import pyarrow as pa

PAIRED_KEYPOINTS = ("eye", "ear", "shoulder", "elbow", "wrist", "hip", "knee", "ankle")
KEYPOINTS = ("nose", *(f"{part}_{side}" for part in PAIRED_KEYPOINTS for side in ("left", "right")))
"""COCO's order (Lin et al., 2014); left and right are the person's own."""
KEYPOINT_COUNT = len(KEYPOINTS)
KEYPOINT_INDEX = {name: number for number, name in enumerate(KEYPOINTS)}
SKELETON_EDGES = tuple(
    (KEYPOINT_INDEX[first], KEYPOINT_INDEX[second])
    for first, second in (
        ("nose", "eye_left"),
        ("nose", "eye_right"),
        ("eye_left", "ear_left"),
        ("eye_right", "ear_right"),
        ("shoulder_left", "shoulder_right"),
        ("hip_left", "hip_right"),
        *(
            (f"{first}_{side}", f"{second}_{side}")
            for side in ("left", "right")
            for first, second in (
                ("shoulder", "elbow"),
                ("elbow", "wrist"),
                ("shoulder", "hip"),
                ("hip", "knee"),
                ("knee", "ankle"),
            )
        ),
    )
)
"""Pairs of keypoints that are connected in drawings of the skeleton."""
MIRRORED_KEYPOINT = (0, *(number + 1 if number % 2 else number - 1 for number in range(1, KEYPOINT_COUNT)))
"""Index of the mirrored keypoint (left and right exchanged) of each keypoint."""
POSE_SOURCES = ("whole", "crop")


@dataclass(frozen=True, eq=False)
class Poses(Table):
    """A row per tracked person and frame with a pose, ordered by frame, then track_id."""

    FOLDER: ClassVar[str] = "data/poses"

    frame: Column = column("int32", "index", "frame in which the person is")
    track_id: Column = column("int32", "index", "identity, as in tracks")
    score: Column = column("float32", "0..1", "model's confidence in the person")
    source: Column = column("string", "", "where it was seen: whole (the whole frame) or crop (a closer look)")
    x: Column = column("float32", "px", "keypoints as seen, working-size pixels, x to the right", KEYPOINT_COUNT)
    y: Column = column("float32", "px", "keypoints as seen, y downwards", KEYPOINT_COUNT)
    keypoint_score: Column = column(
        "float32", "0..1", "model's confidence that the keypoint is visible", KEYPOINT_COUNT
    )
    smooth_x: Column = column(
        "float32", "px", "keypoints smoothed over time; NaN where not trusted", KEYPOINT_COUNT, True
    )
    smooth_y: Column = column(
        "float32", "px", "keypoints smoothed over time; NaN where not trusted", KEYPOINT_COUNT, True
    )
    frame_count: int = metadata_field("frames", "rows of the frames artifact")
    width: int = metadata_field("px", "working width of the frames")
    height: int = metadata_field("px", "working height of the frames")
    trusted_score: float = metadata_field("0..1", "keypoint_score from which a keypoint is trusted")

    @property
    def xy(self) -> NDArray[np.float32]:
        """(n, 17, 2) detected keypoints, pixels."""
        return np.stack([self.x, self.y], axis=2)

    @property
    def smooth_xy(self) -> NDArray[np.float32]:
        """(n, 17, 2) smoothed keypoints, pixels; NaN where not trusted."""
        return np.stack([self.smooth_x, self.smooth_y], axis=2)

    @property
    def trusted(self) -> NDArray[np.bool_]:
        """(n, 17) whether the score of the keypoint is at least `trusted_score`."""
        return self.keypoint_score >= self.trusted_score

    def check_values(self) -> None:
        check_frames("Poses", self.frame, self.frame_count)
        odd = sorted(set(self.source) - set(POSE_SOURCES))
        if odd:
            raise SemflowError(f"Poses.source must be one of {', '.join(POSE_SOURCES)}, got {odd[0]!r}")
        again = np.flatnonzero((np.diff(self.frame) == 0) & (np.diff(self.track_id) <= 0))
        if len(again):
            raise SemflowError(
                f"Poses.track_id must increase within a frame, got {self.track_id[again[0]]} then "
                f"{self.track_id[again[0] + 1]} in row {again[0] + 1}"
            )
        uneven = np.flatnonzero((np.isnan(self.smooth_x) != np.isnan(self.smooth_y)).any(axis=1))
        if len(uneven):
            raise SemflowError(f"Poses.smooth_x and smooth_y must be NaN together, got one alone in row {uneven[0]}")

    def to_long_table(self) -> pa.Table:
        """The table in long format, one row per keypoint, for SQL: NaN becomes null."""
        import pyarrow as pa

        def spread(values: Column) -> pa.Array:
            return pa.array(np.repeat(values, KEYPOINT_COUNT))

        def flat(values: Column) -> pa.Array:
            return pa.array(values.reshape(-1), from_pandas=True)

        return pa.table(
            {
                "frame": spread(self.frame),
                "track_id": spread(self.track_id),
                "source": spread(self.source),
                "keypoint": pa.array(KEYPOINTS * len(self), pa.string()),
                "x": flat(self.x),
                "y": flat(self.y),
                "score": flat(self.keypoint_score),
                "trusted": flat(self.trusted),
                "smooth_x": flat(self.smooth_x),
                "smooth_y": flat(self.smooth_y),
            }
        )
