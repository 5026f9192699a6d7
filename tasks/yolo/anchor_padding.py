"""Padding of small images to the minimum number of anchors of an exported one-to-one head.

The head takes the best 300 of all anchors (strides 8, 16 and 32: 21 per square of 32 pixels), and onnxruntime fails
where there are fewer. A small image is therefore padded with grey on the right and below, so that predicted coordinates
are still pixels of the image; a larger image is left as it is.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.geometry.letterbox import PADDING_GREY

TOP_K = 300
SQUARE = 32  # pixels, the largest stride
ANCHORS_PER_SQUARE = 4 * 4 + 2 * 2 + 1
MIN_SQUARES = 4  # along each side: 336 anchors


def pad_to_min_anchors(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(n, h, w, 3) images, sides multiples of 32, padded to at least TOP_K anchors."""
    height, width = images.shape[1:3]
    if height // SQUARE * (width // SQUARE) * ANCHORS_PER_SQUARE >= TOP_K:
        return images
    below, right = (max(MIN_SQUARES * SQUARE - side, 0) for side in (height, width))
    padding: Any = ((0, 0), (0, below), (0, right), (0, 0))
    return np.pad(images, padding, constant_values=PADDING_GREY)
