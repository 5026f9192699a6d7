"""Instance masks: the pixels of detected objects, run-length encoded as in COCO."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from tasks.artifacts.box_table import check_frames
from tasks.artifacts.table import Column, Table, column, metadata_field, time_column
from tasks.errors import SemflowError

NO_MASK = ""
"""Stands for an object of which no mask was found."""


@dataclass(frozen=True, eq=False)
class Masks(Table):
    """A row per row of detections, in the same order; no rows where masks were not asked for."""

    FOLDER: ClassVar[str] = "data/masks"

    frame: Column = column("int32", "index", "frame, as in detections")
    pts_s: Column = time_column()
    detection: Column = column("int32", "index", "row of detections")
    score: Column = column("float32", "0..1", "segmenter's confidence in the object; 0 where it found none")
    iou: Column = column("float32", "0..1", "overlap of the segmenter's box with the detection's; 0 without a mask")
    area: Column = column("int32", "px", "pixels of the mask")
    rle: Column = column(
        "string", "", "the mask at working size in COCO's compressed run-length encoding; empty where there is none"
    )
    frame_count: int = metadata_field("frames", "rows of the frames artifact")
    width: int = metadata_field("px", "working width of the frames")
    height: int = metadata_field("px", "working height of the frames")

    def mask(self, row: int) -> NDArray[np.bool_]:
        """(h, w) pixels of the object in `row`; none where no mask was found."""
        if self.rle[row] == NO_MASK:
            return np.zeros((self.height, self.width), np.bool_)
        return decode_mask(self.rle[row], self.height, self.width)

    def check_values(self) -> None:
        check_frames("Masks", self.frame, self.frame_count)
        if not np.array_equal(self.detection, np.arange(len(self))):
            raise SemflowError("Masks.detection must count the rows of detections from 0, got other numbers")
        odd = np.flatnonzero((self.rle == NO_MASK) != (self.area == 0))
        if len(odd):
            raise SemflowError(
                f"Masks.rle must be empty where area is 0, and nowhere else, got another in row {odd[0]}"
            )


def encode_mask(mask: NDArray[np.bool_]) -> str:
    """COCO's compressed run-length encoding of an (h, w) mask; NO_MASK where it is empty."""
    from pycocotools import mask as coco

    if not mask.any():
        return NO_MASK
    encoded: Any = coco.encode(np.asfortranarray(mask, np.uint8))
    return encoded["counts"].decode("ascii")


def decode_mask(rle: str, height: int, width: int) -> NDArray[np.bool_]:
    """The (h, w) mask of a run-length encoding."""
    from pycocotools import mask as coco

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # pycocotools 2.0.11 knows NumPy 1's way to copy
        decoded: Any = coco.decode({"size": [height, width], "counts": rle.encode("ascii")})
    return decoded.astype(np.bool_)
