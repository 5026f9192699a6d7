"""Anonymisation of an image: every face that is found becomes a few blurred patches of colour."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import NDArray

from tasks.arrays import Image

MARGIN = 1.3  # blurred box over face, as deface's default: hair and chin identify too
PATCHES = 4  # along each side of the box: nothing finer of the face remains


def blur_boxes(image: Image, boxes: Iterable[NDArray[np.float32]]) -> Image:
    """A copy of an (h, w, 3) image in which each xyxy box, enlarged by MARGIN, has only PATCHES x PATCHES colours."""
    import cv2

    blurred = image.copy()
    for x1, y1, x2, y2 in boxes:
        middle, reach = np.array([x1 + x2, y1 + y2]) / 2, np.array([x2 - x1, y2 - y1]) * MARGIN / 2
        left, top = np.maximum(np.floor(middle - reach), 0).astype(int)
        right, bottom = np.minimum(np.ceil(middle + reach), [image.shape[1], image.shape[0]]).astype(int)
        if right <= left or bottom <= top:
            continue
        region = blurred[top:bottom, left:right]
        few = cv2.resize(region, (PATCHES, PATCHES), interpolation=cv2.INTER_AREA)
        region[:] = cv2.resize(few, (right - left, bottom - top), interpolation=cv2.INTER_LINEAR)
    return blurred


def make_face_anonymiser() -> Callable[[Image], Image]:
    """A function from an (h, w, 3) RGB image to a copy with the faces blurred that CenterFace finds in it."""
    from tasks.decode import face_detector

    detector = face_detector.load_face_detector()  # here, not in the threads that call the function
    return lambda image: blur_boxes(image, detector.find_faces(image))
