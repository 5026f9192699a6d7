"""Human poses: keypoints per tracked person and frame, as detected and smoothed over time, in pixels.

Every table has columns for the 26 keypoints of Halpe (Li et al., 2020, "PaStaNet: toward human activity knowledge
engine"), whose first 17 are COCO's. `skeleton` names the set that the model knows; the others are NaN, with score 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from tasks.artifacts.box_table import check_frames
from tasks.artifacts.table import Column, Table, column, metadata_field, time_column
from tasks.errors import SemflowError

if TYPE_CHECKING:
    import pyarrow as pa

SIDES = ("left", "right")
PAIRED_KEYPOINTS = ("eye", "ear", "shoulder", "elbow", "wrist", "hip", "knee", "ankle")
COCO_KEYPOINTS = ("nose", *(f"{part}_{side}" for part in PAIRED_KEYPOINTS for side in SIDES))
"""COCO's order (Lin et al., 2014); left and right are the person's own."""
FOOT_KEYPOINTS = ("big_toe", "small_toe", "heel")
KEYPOINTS = (
    *COCO_KEYPOINTS,
    "head",
    "neck",
    "pelvis",
    *(f"{part}_{side}" for part in FOOT_KEYPOINTS for side in SIDES),
)
"""Halpe's order; `head` is its top, `pelvis` the middle of the hips."""
SKELETONS = {"coco17": len(COCO_KEYPOINTS), "halpe26": len(KEYPOINTS)}
"""Name of a skeleton to how many of KEYPOINTS it has, from the first on."""
KEYPOINT_COUNT = len(KEYPOINTS)
KEYPOINT_INDEX = {name: number for number, name in enumerate(KEYPOINTS)}
BONES_OF_A_SIDE = (
    ("shoulder", "elbow"),
    ("elbow", "wrist"),
    ("shoulder", "hip"),
    ("hip", "knee"),
    ("knee", "ankle"),
    ("ankle", "heel"),
    ("heel", "big_toe"),
    ("ankle", "big_toe"),
)
SKELETON_EDGES = tuple(
    (KEYPOINT_INDEX[first], KEYPOINT_INDEX[second])
    for first, second in (
        ("nose", "eye_left"),
        ("nose", "eye_right"),
        ("eye_left", "ear_left"),
        ("eye_right", "ear_right"),
        ("shoulder_left", "shoulder_right"),
        ("hip_left", "hip_right"),
        *((f"{first}_{side}", f"{second}_{side}") for side in SIDES for first, second in BONES_OF_A_SIDE),
    )
)
"""Pairs of keypoints that are connected in drawings of the skeleton."""


def _mirror_name(name: str) -> str:
    for side, other in (SIDES, SIDES[::-1]):
        if name.endswith(f"_{side}"):
            return name.removesuffix(side) + other
    return name


MIRRORED_KEYPOINT = tuple(KEYPOINT_INDEX[_mirror_name(name)] for name in KEYPOINTS)
"""Index of the mirrored keypoint (left and right exchanged) of each keypoint."""
POSE_SOURCES = ("whole", "crop")


@dataclass(frozen=True, eq=False)
class Poses(Table):
    """A row per tracked person and frame with a pose, ordered by frame, then track_id."""

    FOLDER: ClassVar[str] = "data/poses"

    frame: Column = column("int32", "index", "frame in which the person is")
    pts_s: Column = time_column()
    track_id: Column = column("int32", "index", "identity, as in tracks")
    score: Column = column("float32", "0..1", "model's confidence in the person")
    source: Column = column("string", "", "where it was seen: whole (the whole frame) or crop (a closer look)")
    x: Column = column(
        "float32",
        "px",
        "keypoints as seen, working-size pixels, x to the right; NaN for those that the skeleton lacks",
        KEYPOINT_COUNT,
        True,
    )
    y: Column = column("float32", "px", "keypoints as seen, y downwards", KEYPOINT_COUNT, True)
    keypoint_score: Column = column("float32", "0..1", "model's confidence in the keypoint", KEYPOINT_COUNT)
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
    skeleton: str = metadata_field("", "the model's keypoints: halpe26, or coco17, which are the first 17 of them")
    keypoints: Sequence[str] = metadata_field("", "names of the keypoints in the order of the columns' lists")

    @property
    def known_keypoints(self) -> int:
        """How many keypoints the skeleton has; those after them are NaN."""
        return SKELETONS[self.skeleton]

    @property
    def xy(self) -> NDArray[np.float32]:
        """(n, 26, 2) detected keypoints, pixels; NaN for those that the skeleton lacks."""
        return np.stack([self.x, self.y], axis=2)

    @property
    def smooth_xy(self) -> NDArray[np.float32]:
        """(n, 26, 2) smoothed keypoints, pixels; NaN where not trusted."""
        return np.stack([self.smooth_x, self.smooth_y], axis=2)

    @property
    def trusted(self) -> NDArray[np.bool_]:
        """(n, 26) whether the score of the keypoint is at least `trusted_score`."""
        return self.keypoint_score >= self.trusted_score

    def check_values(self) -> None:
        check_frames("Poses", self.frame, self.frame_count)
        self._check_skeleton()
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

    def _check_skeleton(self) -> None:
        if self.skeleton not in SKELETONS:
            raise SemflowError(f"Poses.skeleton must be one of {', '.join(SKELETONS)}, got {self.skeleton!r}")
        if tuple(self.keypoints) != KEYPOINTS:
            raise SemflowError(f"Poses.keypoints must be {', '.join(KEYPOINTS)}, got {', '.join(self.keypoints)}")
        for name in ("x", "y"):
            unknown = np.isnan(getattr(self, name))
            odd = np.flatnonzero((unknown != (np.arange(KEYPOINT_COUNT) >= self.known_keypoints)).any(axis=1))
            if len(odd):
                raise SemflowError(
                    f"Poses.{name} must be finite for the {self.known_keypoints} keypoints of {self.skeleton} and NaN "
                    f"for the others, got {getattr(self, name)[odd[0]]} in row {odd[0]}"
                )

    def to_long_table(self) -> pa.Table:
        """The table in long format, one row per keypoint of the skeleton, for SQL: NaN becomes null."""
        import pyarrow as pa

        count = self.known_keypoints

        def spread(values: Column) -> pa.Array:
            return pa.array(np.repeat(values, count))

        def flat(values: Column) -> pa.Array:
            return pa.array(values[:, :count].reshape(-1), from_pandas=True)

        return pa.table(
            {
                "frame": spread(self.frame),
                "track_id": spread(self.track_id),
                "source": spread(self.source),
                "keypoint": pa.array(KEYPOINTS[:count] * len(self), pa.string()),
                "x": flat(self.x),
                "y": flat(self.y),
                "score": flat(self.keypoint_score),
                "trusted": flat(self.trusted),
                "smooth_x": flat(self.smooth_x),
                "smooth_y": flat(self.smooth_y),
            }
        )
