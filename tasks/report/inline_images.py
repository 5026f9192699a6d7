"""Pictures inside a page: cut, shrunk, and written as data URIs; fields of a grid as one pixel per cell."""

from __future__ import annotations

import base64

import cv2
import numpy as np

from tasks.arrays import Image
from tasks.report.markup import Markup, tag

JPEG_QUALITY = 78  # below it text and edges fringe at these sizes
CELL_QUALITY = 85  # neighbouring cells may differ as neighbouring pixels of a photograph never do


def shrink_image(image: Image, longest: int) -> Image:
    """`image` with no side above `longest` pixels; smaller ones stay as they are."""
    height, width = image.shape[:2]
    share = longest / max(height, width)
    if share >= 1:
        return image
    size = (max(1, round(width * share)), max(1, round(height * share)))
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)


def render_image(image: Image, alt: str) -> Markup:
    """The (h, w, 3) RGB image as an element of the page, in its own size."""
    height, width = image.shape[:2]
    return tag("img", src=make_data_uri(encode_jpeg(image)), width=width, height=height, alt=alt, loading="lazy")


def encode_jpeg(image: Image) -> bytes:
    """JPEG bytes of an RGB image, chroma halved as the web does."""
    flags = [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY, cv2.IMWRITE_JPEG_OPTIMIZE, 1]
    return cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), flags)[1].tobytes()


def render_cells(colours: Image, width: int, height: int, alt: str) -> Markup:
    """An image of a grid's (h, w, 3) `colours`, shown over the whole of a `width` x `height` picture.

    One pixel per cell, which the browser enlarges with sharp edges (page.css): a third of the bytes, and nobody takes
    cells for a photograph. The first cell's centre lies on the frame's edge, so all is shown up to half a cell off.
    """
    flags = [cv2.IMWRITE_JPEG_QUALITY, CELL_QUALITY, cv2.IMWRITE_JPEG_OPTIMIZE, 1]
    flags += [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444]  # colour is all there is to see
    data = cv2.imencode(".jpg", cv2.cvtColor(colours, cv2.COLOR_RGB2BGR), flags)[1].tobytes()
    return tag("img", src=make_data_uri(data), width=width, height=height, alt=alt, loading="lazy", class_="cells")


def make_data_uri(data: bytes) -> str:
    """JPEG bytes as an address that needs no network."""
    return "data:image/jpeg;base64," + base64.b64encode(data).decode("ascii")
