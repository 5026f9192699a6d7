"""Writes an MP4 (H.264) of some frames of a video at their own times: plain images, or drawings on the canvas."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tasks.arrays import Image
from tasks.artifacts.frames import Frames

if TYPE_CHECKING:
    from tasks.report.overlay.drawing_canvas import Canvas

CRF, PRESET = 23, "veryfast"  # `crf` and `preset` of the section report in params.yaml


def write_image_video(path: Path, frames: Frames, numbers: Sequence[int], images: Iterable[Image]) -> None:
    """An MP4 of one (h, w, 3) image at working size for each of the frames `numbers`."""
    from tasks.report.overlay.drawing_canvas import Canvas

    canvas = Canvas(frames.width, frames.height)
    _encode(path, frames, numbers, canvas, map(canvas.prepare_image, images))


def write_drawn_video(
    path: Path, frames: Frames, numbers: Sequence[int], draw: Callable[[Canvas, Image, int], None]
) -> None:
    """An MP4 of the frames `numbers`, on each of which `draw(canvas, image, n)` has drawn; n counts from 0."""
    from tasks.report.overlay.drawing_canvas import Canvas

    canvas = Canvas(frames.width, frames.height)

    def draw_frame(n: int) -> Image:
        image = canvas.prepare_image(frames.image(numbers[n]))
        draw(canvas, image, n)
        return image

    _encode(path, frames, numbers, canvas, map(draw_frame, range(len(numbers))))


def _encode(path: Path, frames: Frames, numbers: Sequence[int], canvas: Canvas, images: Iterable[Image]) -> None:
    from tasks.report.overlay.encode_video import VideoEncoding, encode_video

    times = frames.pts_s[np.asarray(numbers, np.intp)]
    times = times - times[:1]
    step = float(np.median(np.diff(times))) if len(times) > 1 else 1.0
    encoding = VideoEncoding(canvas.even_width, canvas.even_height, 1 / step, CRF, PRESET)
    encode_video(path, images, np.append(times, times[-1] + step), encoding)
