"""How one image becomes bytes and back: JPEG 4:4:4, PNG, or raw RGB.

JPEG keeps full chroma (4:4:4) because detectors and features see colour; PNG and raw are lossless.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from tasks.errors import SemflowError

Image = NDArray[np.uint8]
"""(h, w, 3) uint8, RGB."""
Encoding = Literal["jpeg", "png", "raw"]


def encode(image: Image, encoding: Encoding, quality: int) -> bytes:
    """Bytes of `image`; `quality` (0..100) counts for JPEG alone."""
    if encoding == "raw":
        return np.ascontiguousarray(image).tobytes()
    import cv2

    flags = (
        [cv2.IMWRITE_JPEG_QUALITY, quality, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444]
        if encoding == "jpeg"
        else []
    )
    done, data = cv2.imencode(".jpg" if encoding == "jpeg" else ".png", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), flags)
    if not done:
        raise SemflowError(f"an image of shape {image.shape} could not be encoded as {encoding}")
    return data.tobytes()


def decode(data: bytes, encoding: Encoding, height: int, width: int) -> Image:
    """The image behind `data`; its size must be the one expected."""
    if encoding == "raw":
        return np.frombuffer(data, np.uint8).reshape(height, width, 3)
    import cv2

    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB)
    if image is None or image.shape != (height, width, 3):
        raise SemflowError(
            f"a stored frame must be {encoding} of {width}x{height}, "
            f"got {'nothing readable' if image is None else image.shape}; remove it and run again"
        )
    return image.astype(np.uint8, copy=False)
