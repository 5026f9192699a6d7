"""Captions of frames: number, time, and status where a frame is damaged or lost."""

from __future__ import annotations

import cv2
import numpy as np

from tasks.arrays import Image
from tasks.report.colours import Rgb
from tasks.report.formatting import format_clock
from tasks.report.overlay.drawing_canvas import CHALK, INK, Canvas

STATUS_COLOUR: dict[str, Rgb] = {"damaged": (255, 176, 32), "lost": (255, 92, 92)}
STATUS_TEXT = {"damaged": "damaged: the decoder reported errors", "lost": "lost: no picture came out"}
LOST_BRIGHTNESS = 0.35  # of the last picture, which stands in for a lost one
LOST_GREY = 56  # where there was no picture yet
CAPTION_OPACITY = 0.55  # opacity of the dark ground under the caption


def make_placeholder(last: Image | None, height: int, width: int) -> Image:
    """A picture for a lost frame: the last one, grey and dim."""
    if last is None:
        return np.full((height, width, 3), LOST_GREY, np.uint8)
    grey = cv2.cvtColor(last, cv2.COLOR_RGB2GRAY)
    return cv2.cvtColor((grey * LOST_BRIGHTNESS).astype(np.uint8), cv2.COLOR_GRAY2RGB).astype(np.uint8, copy=False)


def draw_caption(picture: Image, canvas: Canvas, frame: int, time_s: float, status: str) -> None:
    """Frame number and time at the bottom left; where the frame is not whole, a coloured border and the reason too."""
    text, ground, colour = f"{frame}  {format_clock(time_s, 0.01)}", INK, CHALK
    if status in STATUS_COLOUR:
        text, ground, colour = f"{text}  {STATUS_TEXT[status]}", STATUS_COLOUR[status], INK
        height, width = picture.shape[:2]
        cv2.rectangle(picture, (0, 0), (width - 1, height - 1), ground, 4 * canvas.line_px)
    pad = canvas.font_px // 2
    high, wide = canvas.font_px + 3 * pad // 2, canvas.text_width(text) + 2 * pad
    corner = picture[-high:, :wide]
    corner[:] = (
        cv2.addWeighted(corner, 1 - CAPTION_OPACITY, np.full_like(corner, ground), CAPTION_OPACITY, 0)
        if status == "ok"
        else ground
    )
    canvas.draw_text(picture, text, pad, picture.shape[0] - pad, colour)
