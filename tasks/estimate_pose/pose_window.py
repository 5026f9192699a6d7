"""A closer look at one person: a window around a box, scaled to the size of a small network image.

As in top-down pose estimation (Xiao et al., 2018, "Simple baselines"): the box is widened to the window's shape about
its centre and enlarged for context, so that one shape serves everybody and windows run as a batch. What lies outside
the frame is grey.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from tasks.geometry.letterbox import PADDING_GREY

CONTEXT = 1.25  # window over box, as Xiao et al. (2018)
ASPECT_RATIO = 3 / 4  # width over height, as Xiao et al. (2018)
STRIDE = 32  # sides that YOLO takes are multiples of it


@dataclass(frozen=True)
class PoseWindow:
    """A part of the frame and the picture made of it."""

    left: float
    """Left edge in the frame, pixels along pixel edges; may lie outside."""
    top: float
    scale: float
    """Picture pixels per frame pixel."""
    height: int
    """Of the picture."""
    width: int

    @classmethod
    def around(cls, xyxy: NDArray[np.float32], height: int) -> Self:
        """The window around one box, as a picture of `height` pixels."""
        width = compute_window_width(height)
        x1, y1, x2, y2 = (float(value) for value in xyxy)
        # A box without area still gives a window: of one pixel's height and more.
        high = max(y2 - y1, (x2 - x1) * height / width, 1.0) * CONTEXT
        scale = height / high
        return cls((x1 + x2) / 2 - width / scale / 2, (y1 + y2) / 2 - high / 2, scale, height, width)

    def cut(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """(height, width, 3) what the window shows of an (h, w, 3) image."""
        import cv2

        # From pixel centres at integers to pixel edges and back again.
        x, y = ((0.5 - edge) * self.scale - 0.5 for edge in (self.left, self.top))
        matrix = np.array([[self.scale, 0, x], [0, self.scale, y]])
        return cv2.warpAffine(
            image,
            matrix,
            (self.width, self.height),
            flags=cv2.INTER_LINEAR,  # as the letterbox of whole frames
            borderMode=cv2.BORDER_CONSTANT,
            borderValue=(PADDING_GREY, PADDING_GREY, PADDING_GREY),
        ).astype(np.uint8, copy=False)

    def back(self, xy: NDArray[np.float32], shift: float = 0.0) -> NDArray[np.float32]:
        """(..., 2) points of the picture in frame pixels; `shift` is 0.5 for points on pixel centres, 0 on edges."""
        corner = np.array([self.left, self.top])
        return ((xy.astype(np.float64) + shift) / self.scale + corner - shift).astype(np.float32)


def compute_window_width(height: int) -> int:
    """The width that goes with `height`: the nearest multiple of the stride to the shape wanted."""
    return max(round(height * ASPECT_RATIO / STRIDE), 1) * STRIDE
