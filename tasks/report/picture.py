"""Pictures inside a page: cut, shrunk, and written as data URIs."""

from __future__ import annotations

import base64

import cv2
import numpy as np

from tasks.artifacts.images import Image

JPEG_QUALITY = 78  # below it text and edges fringe at these sizes


def shrink(image: Image, longest: int) -> Image:
    """`image` with no side above `longest` pixels; smaller ones stay as they are."""
    height, width = image.shape[:2]
    share = longest / max(height, width)
    if share >= 1:
        return image
    size = (max(1, round(width * share)), max(1, round(height * share)))
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)


def jpeg(image: Image) -> bytes:
    """JPEG bytes of an RGB image, chroma halved as the web does."""
    flags = [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY, cv2.IMWRITE_JPEG_OPTIMIZE, 1]
    return cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), flags)[1].tobytes()


def data_uri(data: bytes) -> str:
    """JPEG bytes as an address that needs no network."""
    return "data:image/jpeg;base64," + base64.b64encode(data).decode("ascii")
