"""What every detector and pose model of the YOLO family is to the stages that use it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Yolo:
    """A loaded YOLO model."""

    names: tuple[str, ...]
    """Class names by class number."""
    one_to_one: bool
    """Whether predictions are final; otherwise there is one per anchor and they need non-maximum suppression."""
    task: str
    """What the model does: detect, pose, ..."""
    batched: bool
    """Whether batches are faster than single images; on a CPU they are not."""
    forward: Callable[[NDArray[np.uint8]], NDArray[np.float32]]
    """(n, h, w, 3) RGB images, sides multiples of 32, to predictions in pixels of these images: where one-to-one,
    (n, k, 6+) rows of x1, y1, x2, y2, score, class, best first; else (n, 4 + classes + others, anchors) columns of
    centre x, centre y, width, height and a score per class."""
    input_limit: int | None = None
    """Longer side of the images at most, pixels; None: any."""
