"""Single-object tracking by CSRT, from OpenCV's contrib modules.

Source: Lukezic et al., "Discriminative correlation filter with channel and spatial reliability" (CVPR 2017).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.artifacts.frames import Frames
from tasks.errors import SemflowError


def track_by_csrt(
    frames: Frames, frame: int, xyxy: NDArray[np.float64]
) -> Iterator[tuple[int, NDArray[np.float64], bool]]:
    """(frame, (4,) xyxy, whether it was found) from `frame`, where the box is given, to the end.

    Damaged and lost frames are left out. Boxes have integer coordinates, as CSRT takes and gives them.
    """
    tracker = _create_tracker()
    box = np.rint(xyxy)
    for now, image in frames.images(frame):
        if now == frame:
            tracker.init(_bgr(image), tuple(int(v) for v in (*box[:2], *(box[2:] - box[:2]))))
            yield now, xyxy, True
            continue
        found, (left, top, width, height) = tracker.update(_bgr(image))
        if found:
            box = np.array([left, top, left + width, top + height], np.float64)
        yield now, box, bool(found)


def has_csrt() -> bool:
    """Whether the OpenCV that is installed has CSRT."""
    return _find_constructor() is not None


def _create_tracker() -> Any:
    create = _find_constructor()
    if create is None:
        raise SemflowError(
            "method csrt must have an OpenCV with contrib modules, got one without; run `make opencv-contrib`, which "
            "installs opencv-contrib-python-headless in place of opencv-python, or use --method semantic"
        )
    return create()


def _find_constructor() -> Any:
    return getattr(cv2, "TrackerCSRT_create", None) or getattr(getattr(cv2, "TrackerCSRT", None), "create", None)


def _bgr(image: NDArray[np.uint8]) -> Any:
    return cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
