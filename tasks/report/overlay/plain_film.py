"""The film as the page plays it: every frame at working size and at its own time, with nothing drawn in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from tasks.arrays import Image
from tasks.report.overlay.annotations import make_placeholder
from tasks.report.overlay.encode_video import VideoEncoding, encode_video
from tasks.report.report_data import ReportData


def write_film(path: Path, data: ReportData) -> None:
    """Write the film of a video with at least one frame."""
    width, height = film_size(data)
    encoding = VideoEncoding(width, height, data.fps, data.params.crf, data.params.preset)
    encode_video(path, render_plain_frames(data), data.edges_s, encoding)


def film_size(data: ReportData) -> tuple[int, int]:
    """Width and height of the film: the working size, made even as 4:2:0 asks for."""
    return -(-data.frames.width // 2) * 2, -(-data.frames.height // 2) * 2


def render_plain_frames(data: ReportData) -> Iterator[Image]:
    """The picture of every frame; a lost one is the last picture, grey and dim."""
    last: Image | None = None
    width, height = film_size(data)
    for frame in range(len(data.frames)):
        if data.frames.status[frame] == "lost":
            picture = make_placeholder(last, data.frames.height, data.frames.width)
        else:
            picture = last = data.frames.image(frame)
        yield _extend_edges(picture, width, height)


def _extend_edges(image: Image, width: int, height: int) -> Image:
    below, right = height - image.shape[0], width - image.shape[1]
    if not (below or right):
        return image
    return cv2.copyMakeBorder(image, 0, below, 0, right, cv2.BORDER_REPLICATE).astype(np.uint8, copy=False)
