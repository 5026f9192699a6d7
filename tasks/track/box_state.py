"""What a Kalman filter knows of a box: its centre and two numbers for its size, and how uncertain each of them is.

"size" is BoT-SORT's state, width and height; "aspect" is that of DeepSORT, which ByteTrack keeps: width over height,
and height. Standard deviations are in proportion to the box, those of the aspect ratio constant.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from tasks.arrays import Boxes, Floats
from tasks.geometry.bounding_boxes import cxcywh_to_xyxy, xyxy_to_cxcywh

MIN_SIZE = 1.0  # px; smaller sizes give no usable scale for the noise
ASPECT_STD = 1e-2  # at the start and per frame; deep_sort, initiate and predict
ASPECT_VELOCITY_STD = 1e-5  # at the start and per frame; the same
MEASURED_ASPECT_STD = 1e-1  # deep_sort, project


@dataclass(frozen=True)
class BoxState:
    """The four numbers of a filter's position, and conversions from and to boxes."""

    kind: Literal["size", "aspect"]

    def from_xyxy(self, xyxy: Boxes) -> Floats:
        """(n, 4) measurements of (n, 4) boxes."""
        box = xyxy_to_cxcywh(xyxy)
        if self.kind == "aspect":
            box[:, 2] /= np.maximum(box[:, 3], MIN_SIZE)
        return box

    def to_xyxy(self, position: Floats) -> Boxes:
        """(n, 4) boxes of (n, 4) positions."""
        if self.kind == "aspect":
            position = position.copy()
            position[:, 2] *= position[:, 3]
        return cxcywh_to_xyxy(position)

    def clip_sizes(self, position: Floats) -> None:
        """Raise sizes below MIN_SIZE to it, in place."""
        sizes = position[:, 3:] if self.kind == "aspect" else position[:, 2:]
        np.maximum(sizes, MIN_SIZE, out=sizes)

    def scale_noise(self, position: Floats, share: float, aspect_std: float) -> Floats:
        """(n, 4) standard deviations: `share` of width for x and w and of height for y and h; with an aspect ratio
        `share` of height for all but that, which has `aspect_std`."""
        if self.kind == "size":
            size = np.maximum(position[:, 2:], MIN_SIZE)
            return share * np.concatenate([size, size], axis=1)
        spread = share * np.repeat(np.maximum(position[:, 3:], MIN_SIZE), 4, axis=1)
        spread[:, 2] = aspect_std
        return spread

    @property
    def constant_when_lost(self) -> slice:
        """The numbers that a lost track of ByteTrack (its height) or BoT-SORT (its width and height) keeps."""
        return slice(3, 4) if self.kind == "aspect" else slice(2, 4)


SIZE_STATE, ASPECT_STATE = BoxState("size"), BoxState("aspect")
