"""Name tags of tracks (id and class on the track's colour), placed without overlap."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2

from tasks.arrays import Image
from tasks.report.colours import Rgb
from tasks.report.overlay.drawing_canvas import INK, Canvas


@dataclass(frozen=True)
class Tag:
    """A text with its rectangle; canvas pixels, right and bottom exclusive."""

    text: str
    colour: Rgb
    x1: int
    y1: int
    x2: int
    y2: int

    def hides(self, other: Tag) -> bool:
        """Whether the two rectangles share a pixel."""
        return self.x1 < other.x2 and other.x1 < self.x2 and self.y1 < other.y2 and other.y1 < self.y2


@dataclass(frozen=True)
class LabelOwner:
    """A box that gets a tag, canvas pixels."""

    track_id: int
    class_name: str
    colour: Rgb
    xyxy: tuple[int, int, int, int]


def place_tags(canvas: Canvas, bearers: Sequence[LabelOwner], width: int, height: int) -> list[Tag]:
    """A tag per bearer, in a picture of `width` x `height`.

    The nearest (lowest feet) choose first: id and class above the box, else inside its top, else below it; where all
    three are taken the id alone; where that fails too, the id above the box, over whatever is there.
    """
    tags: list[Tag] = []
    for bearer in sorted(bearers, key=lambda b: (-b.xyxy[3], b.track_id)):
        texts = (f"{bearer.track_id} {bearer.class_name}", str(bearer.track_id))
        choices = [tag for text in texts for tag in _choices(canvas, bearer, text, width, height)]
        free = (tag for tag in choices if not any(tag.hides(other) for other in tags))
        tags.append(next(free, choices[len(choices) // 2]))
    return tags


def draw_tag(picture: Image, canvas: Canvas, tag: Tag) -> None:
    """Fill the rectangle and write the text."""
    cv2.rectangle(picture, (tag.x1, tag.y1), (tag.x2 - 1, tag.y2 - 1), tag.colour, cv2.FILLED)
    canvas.draw_text(picture, tag.text, tag.x1 + _padding(canvas), tag.y1 + canvas.font_px, INK)


def _padding(canvas: Canvas) -> int:
    return max(2, round(canvas.font_px / 4))


def _choices(canvas: Canvas, bearer: LabelOwner, text: str, width: int, height: int) -> list[Tag]:
    x1, y1, _, y2 = bearer.xyxy
    wide, high = canvas.text_width(text) + 2 * _padding(canvas), round(canvas.font_px * 1.35)
    left = min(max(x1 - canvas.line_px // 2, 0), max(width - wide, 0))
    tops = (y1 - high, y1, y2)
    inside = [top for top in tops if 0 <= top <= height - high] or [min(max(y1, 0), max(height - high, 0))]
    return [Tag(text, bearer.colour, left, top, left + wide, top + high) for top in inside]
