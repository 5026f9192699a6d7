"""Letterboxing: scaling and padding an image to the input size of a network, and mapping coordinates back.

The scheme is ultralytics' LetterBox(auto=True): scale until the longer side has the wanted size, round both sides, pad
evenly with grey to the next multiple of the stride. Coordinates here run along pixel edges (0 is the left border of the
first pixel, w the right border of the last), as detectors, COCO and MOTChallenge have them; a point on pixel centres
(centres at integers) lies at its value + 0.5 on this axis.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

PADDING_GREY = 114  # the padding that ultralytics' models were trained with


@dataclass(frozen=True)
class Letterbox:
    """Scale and padding for images of one size; all sizes are (height, width) in pixels."""

    source: tuple[int, int]
    inner: tuple[int, int]
    """The image after scaling."""
    outer: tuple[int, int]
    """The image after padding."""
    top: int
    left: int

    @classmethod
    def fit(cls, height: int, width: int, size: int, stride: int = 32) -> Self:
        """Letterbox for `height` x `width` images whose longer side becomes `size`, a multiple of `stride`."""
        gain = min(size / height, size / width)
        inner = max(round(height * gain), 1), max(round(width * gain), 1)
        border = (size - inner[0]) % stride, (size - inner[1]) % stride
        # An odd border has its extra row below and its extra column on the right; -0.1 as ultralytics rounds halves.
        top, left = round(border[0] / 2 - 0.1), round(border[1] / 2 - 0.1)
        return cls((height, width), inner, (inner[0] + border[0], inner[1] + border[1]), top, left)

    def apply(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The (h, w, 3) `image`, scaled bilinearly and padded."""
        import cv2

        height, width = self.inner
        if image.shape[:2] != self.inner:
            image = cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR).astype(np.uint8, copy=False)
        fitted = np.full((*self.outer, 3), PADDING_GREY, np.uint8)
        fitted[self.top : self.top + height, self.left : self.left + width] = image
        return fitted

    def to_source(self, xy: NDArray[np.float32]) -> NDArray[np.float32]:
        """(..., 2) points in the letterboxed image mapped to the source image and clipped to it."""
        border = np.array([self.left, self.top], np.float32)
        gain = np.array([self.inner[1] / self.source[1], self.inner[0] / self.source[0]], np.float32)
        return np.clip((xy - border) / gain, 0, np.array([self.source[1], self.source[0]], np.float32))
