"""Pictures of matches: two flows side by side in the colours of the wheel, and matched parts joined by lines.

Pure functions from arrays to (h, w, 3) uint8 RGB pictures; OpenCV draws the lines.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.geometry.flow_colour import flow_to_rgb, legend
from tasks.geometry.warp import Flow

Rgb = NDArray[np.uint8]
Points = NDArray[np.float32]
"""(n, 2) x, y in pixels."""
Boxes = NDArray[np.float32]
"""(n, 4) xyxy in pixels."""

GAP = 8  # pixels between two pictures
BACKGROUND = 255
LEGEND_SHARE = 6  # the colour wheel takes one part in six of the height
MEANT_MAX = 98.0  # per cent of vectors that the colours reach for: a few wild ones must not whiten the rest
COARSE_PX = 1.0  # colours of a still scene do not blow up noise below a pixel
DOT = 3  # radius in pixels
TEXT_PX, TEXT_SCALE = 14, 0.45  # height of a line of text, and the font's scale for it
AGREEMENT_COLOURS = np.array([[178, 24, 43], [247, 247, 247], [33, 102, 172]], np.float32)
"""Red, white, blue for 0, 1/2, 1: ColorBrewer's RdBu, which the colour-blind tell apart."""
UNKNOWN_GREY = 96


def flows_beside(first: Flow, second: Flow, height: int) -> Rgb:
    """Two (h, w, 2) flows in one colour scale, the wheel between them; black where one is NaN; `height` pixels high."""
    known = [np.isfinite(flow[..., 0]) & np.isfinite(flow[..., 1]) for flow in (first, second)]
    lengths = np.concatenate([np.hypot(*flow[where].T) for flow, where in zip((first, second), known, strict=True)])
    reach = max(COARSE_PX, float(np.percentile(lengths, MEANT_MAX)) if len(lengths) else COARSE_PX)
    pictures = [
        _to_height(flow_to_rgb(flow, reach, where), height) for flow, where in zip((first, second), known, strict=True)
    ]
    wheel = legend(max(1, height // LEGEND_SHARE))
    return beside([pictures[0], wheel, pictures[1]])


def agreement_to_rgb(agreement: NDArray[np.float32], height: int) -> Rgb:
    """(h, w) agreement of 0..1 as red, white, blue; grey where it is not known (NaN); `height` pixels high."""
    known = np.isfinite(agreement)
    at = np.clip(np.where(known, agreement, 0), 0, 1)
    rgb = np.stack([np.interp(at, [0, 0.5, 1], channel) for channel in AGREEMENT_COLOURS.T], axis=2)
    return _to_height(np.where(known[..., None], np.rint(rgb), UNKNOWN_GREY).astype(np.uint8), height)


def points_joined(first: Rgb, second: Rgb, from_points: Points, to_points: Points) -> Rgb:
    """Both images side by side, each point of the first joined to its match in the second.

    The hue tells where in the first image a line begins, so that parts that belong together have one colour.
    """
    picture, left, right = _stage(first, second)
    for start, end, colour in zip(from_points, to_points, _colours(from_points, first), strict=True):
        _line(picture, start + left, end + right, colour)
    return picture


def boxes_joined(first: Rgb, second: Rgb, from_boxes: Boxes, to_boxes: Boxes, labels: Sequence[str]) -> Rgb:
    """Both images side by side, each region of the first joined to its match, `labels` at the first one's box."""
    picture, left, right = _stage(first, second)
    colours = _colours(_centres(from_boxes), first)
    for start, end, label, colour in zip(from_boxes, to_boxes, labels, colours, strict=True):
        framed = start + np.tile(left, 2), end + np.tile(right, 2)
        for box in framed:
            cv2.rectangle(picture, _pixel(box[:2]), _pixel(box[2:]), colour, 2, cv2.LINE_AA)
        centres = _centres(np.stack(framed))
        _line(picture, centres[0], centres[1], colour)
        _text(picture, label, framed[0], colour)
    return picture


def spread(confidence: NDArray[np.float32], least: float, count: int) -> NDArray[np.intp]:
    """At most `count` cells (in reading order) of a (h, w) confidence of at least `least`, spread over the grid.

    The grid is cut into about `count` squares; the surest cell of each is taken, the one nearest its middle of several.
    """
    h, w = confidence.shape
    side = max(1, int(np.ceil(np.sqrt(h * w / max(1, count)))))
    chosen: list[int] = []
    for top in range(0, h, side):
        for left in range(0, w, side):
            square = confidence[top : top + side, left : left + side]
            rows, columns = square.shape
            away = np.hypot(*np.ogrid[-(rows - 1) / 2 : rows / 2, -(columns - 1) / 2 : columns / 2])
            y, x = np.unravel_index(np.lexsort((away.reshape(-1), -square.reshape(-1)))[0], square.shape)
            if square[y, x] >= least:
                chosen.append((top + int(y)) * w + left + int(x))
    return np.array(chosen[:count], np.intp)


def beside(pictures: Sequence[Rgb]) -> Rgb:
    """Pictures in a row, centred, with a gap between them."""
    height = max(picture.shape[0] for picture in pictures)
    parts: list[Rgb] = []
    for picture in pictures:
        column = np.full((height, picture.shape[1], 3), BACKGROUND, np.uint8)
        top = (height - picture.shape[0]) // 2
        column[top : top + picture.shape[0]] = picture
        parts += [column, np.full((height, GAP, 3), BACKGROUND, np.uint8)]
    return np.concatenate(parts[:-1], axis=1)


def _stage(first: Rgb, second: Rgb) -> tuple[Rgb, NDArray[np.float32], NDArray[np.float32]]:
    """Both images as one picture to draw on, and where the first pixel of each lies in it."""
    height = max(len(first), len(second))
    left = np.array([0, (height - len(first)) // 2], np.float32)
    right = np.array([first.shape[1] + GAP, (height - len(second)) // 2], np.float32)
    return beside([first, second]), left, right


def _colours(points: Points, image: Rgb) -> list[tuple[int, ...]]:
    """A bright colour for each point: hue by direction from the middle of the image."""
    height, width = image.shape[:2]
    away = points - np.array([(width - 1) / 2, (height - 1) / 2], np.float32)
    hue = (np.arctan2(away[:, 1], away[:, 0]) / (2 * np.pi) % 1) * 179
    hsv = np.stack([hue, np.full_like(hue, 200), np.full_like(hue, 255)], axis=1).astype(np.uint8)[None]
    rgb: Any = cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB) if len(points) else hsv
    return [tuple(int(channel) for channel in colour) for colour in rgb[0]]


def _line(picture: Rgb, start: NDArray[np.float32], end: NDArray[np.float32], colour: tuple[int, ...]) -> None:
    cv2.line(picture, _pixel(start), _pixel(end), colour, 1, cv2.LINE_AA)
    for point in (start, end):
        cv2.circle(picture, _pixel(point), DOT, colour, -1, cv2.LINE_AA)


def _text(picture: Rgb, text: str, box: NDArray[np.float32], colour: tuple[int, ...]) -> None:
    """Above the box, or inside it at the top of the picture; outlined, so that it reads on any ground."""
    at = _pixel(box[:2] + np.array([2, -4 if box[1] >= TEXT_PX else TEXT_PX], np.float32))
    for stroke, ink in ((3, (0, 0, 0)), (1, colour)):
        cv2.putText(picture, text, at, cv2.FONT_HERSHEY_SIMPLEX, TEXT_SCALE, ink, stroke, cv2.LINE_AA)


def _pixel(point: NDArray[np.float32]) -> tuple[int, int]:
    return round(float(point[0])), round(float(point[1]))


def _centres(boxes: Boxes) -> Points:
    return ((boxes[:, :2] + boxes[:, 2:]) / 2).astype(np.float32)


def _to_height(picture: Rgb, height: int) -> Rgb:
    """Enlarged or reduced without mixing colours: cells stay cells."""
    width = max(1, round(picture.shape[1] * height / picture.shape[0]))
    return cv2.resize(picture, (width, height), interpolation=cv2.INTER_NEAREST).astype(np.uint8, copy=False)
