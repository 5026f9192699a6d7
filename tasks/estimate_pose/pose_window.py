"""Crop of one person for top-down pose estimation: a window around a box, scaled to the network's input size.

After Xiao et al. (2018, "Simple baselines for human pose estimation and tracking"): the box is extended to a fixed
aspect ratio about its centre and enlarged for context, so that all windows form a batch.
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
    """A rectangle of the frame and its resampled image."""

    left: float
    """Left edge in the frame, pixels along pixel edges; may lie outside."""
    top: float
    scale: float
    """Window pixels per frame pixel."""
    height: int
    """Of the window, pixels."""
    width: int

    @classmethod
    def around_box(cls, xyxy: NDArray[np.float32], height: int) -> Self:
        """The window around one box, resampled to `height` pixels."""
        width = compute_window_width(height)
        x1, y1, x2, y2 = (float(value) for value in xyxy)
        # A box without area gives a window of at least one pixel.
        high = max(y2 - y1, (x2 - x1) * height / width, 1.0) * CONTEXT
        scale = height / high
        return cls((x1 + x2) / 2 - width / scale / 2, (y1 + y2) / 2 - high / 2, scale, height, width)

    def crop_image(self, image: NDArray[np.uint8], border: int = PADDING_GREY) -> NDArray[np.uint8]:
        """(height, width, 3) resampled crop of an (h, w, 3) image; pixels outside it have the grey level `border`."""
        import cv2

        # Convert from pixel centres at integers to pixel edges and back.
        x, y = ((0.5 - edge) * self.scale - 0.5 for edge in (self.left, self.top))
        matrix = np.array([[self.scale, 0, x], [0, self.scale, y]])
        return cv2.warpAffine(
            image,
            matrix,
            (self.width, self.height),
            flags=cv2.INTER_LINEAR,  # as the letterbox of whole frames
            borderMode=cv2.BORDER_CONSTANT,
            borderValue=(border, border, border),
        ).astype(np.uint8, copy=False)

    def to_frame(self, xy: NDArray[np.float32], shift: float = 0.0) -> NDArray[np.float32]:
        """(..., 2) window points in frame pixels; `shift` is 0.5 for coordinates of pixel centres, 0 for edges."""
        corner = np.array([self.left, self.top])
        return ((xy.astype(np.float64) + shift) / self.scale + corner - shift).astype(np.float32)


def compute_window_width(height: int) -> int:
    """Window width for `height`: the multiple of the stride nearest to the aspect ratio."""
    return max(round(height * ASPECT_RATIO / STRIDE), 1) * STRIDE
