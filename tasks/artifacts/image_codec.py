"""Encoding and decoding of one image: JPEG 4:4:4, PNG, or raw RGB.

JPEG keeps full chroma (4:4:4) because detectors and features use colour; PNG and raw are lossless. A JPEG of more than
a sixth of the raw size is encoded again at lower quality until it fits, so that noisy videos do not fill the disk.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from tasks.arrays import Image
from tasks.errors import SemflowError

if TYPE_CHECKING:
    import pyarrow as pa

ImageEncoding = Literal["jpeg", "png", "raw"]

MAX_JPEG_SHARE = 6  # a JPEG takes at most one part in six of the raw image,
MIN_JPEG_BUDGET = 4096  # but this much always: its tables alone take 600 bytes, and tiny images fill no disk.
JPEG_QUALITY_STEPS = (0, 1, 2, 4, 8, 16, 32, 64)  # doubling finds the highest quality that fits in at most 8 attempts


def encode_image(image: Image, encoding: ImageEncoding, quality: int) -> tuple[bytes, int]:
    """Bytes of `image`, and the JPEG quality (1..100) they were made with: `quality`, or less to fit into a sixth."""
    if encoding == "raw":
        return np.ascontiguousarray(image).tobytes(), quality
    import cv2

    bgr = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    if encoding == "png":
        return _imencode(".png", bgr, []), quality
    budget = max(image.size // MAX_JPEG_SHARE, MIN_JPEG_BUDGET)
    data, used = b"", quality
    for less in JPEG_QUALITY_STEPS:
        if less and quality - less < 1:
            break
        used = quality - less
        flags = [cv2.IMWRITE_JPEG_QUALITY, used, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444]
        data = _imencode(".jpg", bgr, flags)
        if len(data) <= budget:
            break
    return data, used


def decode_image(data: bytes | pa.Buffer, encoding: ImageEncoding, height: int, width: int) -> Image:
    """The image behind `data`; its size must be the one expected."""
    values = np.frombuffer(data, np.uint8)
    if encoding == "raw":
        return values.reshape(height, width, 3).copy()
    import cv2

    image = cv2.imdecode(values, cv2.IMREAD_COLOR_RGB)
    if image is None or image.shape != (height, width, 3):
        raise SemflowError(
            f"a stored frame must be {encoding} of {width}x{height}, "
            f"got {'nothing readable' if image is None else image.shape}; remove it and run again"
        )
    return image.astype(np.uint8, copy=False)


def decode_reduced_image(data: bytes | pa.Buffer, encoding: ImageEncoding, height: int, width: int) -> Image:
    """The image behind `data` at an eighth of its size, rounded up: of a JPEG, the means of its blocks alone."""
    import cv2

    if encoding == "jpeg":
        values = np.frombuffer(data, np.uint8)
        image = cv2.imdecode(values, cv2.IMREAD_REDUCED_COLOR_8)
        if image is not None:
            return image[..., ::-1].astype(np.uint8, copy=False)
    whole: Any = decode_image(data, encoding, height, width)
    return cv2.resize(whole, (-(-width // 8), -(-height // 8)), interpolation=cv2.INTER_AREA)


def _imencode(suffix: str, bgr: NDArray[Any], flags: list[int]) -> bytes:
    import cv2

    done, data = cv2.imencode(suffix, bgr, flags)
    if not done:
        raise SemflowError(f"an image of shape {bgr.shape} could not be encoded as {suffix}")
    return data.tobytes()
