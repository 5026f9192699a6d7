"""Draw boxes: a line in the track's colour over a darker, wider one; dashed for interpolated boxes."""

from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.arrays import Image
from tasks.report.colours import Rgb
from tasks.report.overlay.drawing_canvas import Canvas

OUTLINE_SHADE = 0.3  # of a colour, for the line beneath: the box stays visible on its own colour
DASH_LENGTH = 4  # in line widths


def draw_box(picture: Image, canvas: Canvas, xyxy: NDArray[np.int64], colour: Rgb, seen: bool) -> None:
    """Draw one box, canvas pixels."""
    x1, y1, x2, y2 = (int(v) for v in xyxy)
    dark = tuple(round(channel * OUTLINE_SHADE) for channel in colour)
    line = canvas.line_px
    if seen:
        cv2.rectangle(picture, (x1, y1), (x2, y2), dark, line + 2)
        cv2.rectangle(picture, (x1, y1), (x2, y2), colour, line)
        return
    for start, stop in _dashes((x1, y1, x2, y2), DASH_LENGTH * line):
        cv2.line(picture, start, stop, dark, line + 2)
        cv2.line(picture, start, stop, colour, line)


def _dashes(box: tuple[int, int, int, int], length: int) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    x1, y1, x2, y2 = box
    dashes: list[tuple[tuple[int, int], tuple[int, int]]] = []
    for (ax, ay), (bx, by) in pairwise([(x1, y1), (x2, y1), (x2, y2), (x1, y2), (x1, y1)]):
        side = abs(bx - ax) + abs(by - ay)
        step_x, step_y = int(np.sign(bx - ax)), int(np.sign(by - ay))
        for begin in range(0, side, 2 * length):
            end = min(begin + length, side)
            dashes.append(((ax + step_x * begin, ay + step_y * begin), (ax + step_x * end, ay + step_y * end)))
    return dashes
