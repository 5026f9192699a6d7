"""The canvas of overlay images: the working size times a whole number, with matching sizes of text and lines."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.arrays import Image
from tasks.report.colours import Rgb

INK: Rgb = (18, 20, 24)
CHALK: Rgb = (245, 245, 242)
MIN_SIDE = 480  # a longer side below it is enlarged by a whole factor, so that text finds room
FONT_PX_AT_640 = 11  # the smallest that reads well; tags hide little at that
SEMIBOLD = 600  # on the font's scale of 100 to 1000


@dataclass(frozen=True)
class Canvas:
    """Sizes for all pictures of one video."""

    width: int
    """Working width, pixels."""
    height: int
    """Working height, pixels."""

    @cached_property
    def factor(self) -> int:
        """Canvas pixels per working pixel on each side."""
        return max(1, -(-MIN_SIDE // max(self.width, self.height)))

    @property
    def even_width(self) -> int:
        """Width of the canvas: what 4:2:0 asks for."""
        return -(-self.width * self.factor // 2) * 2

    @property
    def even_height(self) -> int:
        """Height of the canvas."""
        return -(-self.height * self.factor // 2) * 2

    @cached_property
    def font_px(self) -> int:
        """Size of text, pixels of the canvas."""
        return max(FONT_PX_AT_640, round(FONT_PX_AT_640 * self.factor * max(self.width, self.height) / 640))

    @cached_property
    def line_px(self) -> int:
        """Width of a line, pixels of the canvas."""
        return max(1, round(self.font_px / 6))

    @cached_property
    def font(self) -> Any:
        """OpenCV's own font (Rubik, with a fallback for other scripts): the same on every machine."""
        return cv2.FontFace("sans")

    def prepare_image(self, image: Image) -> Image:
        """A copy of `image` to draw on, padded at the right and bottom to even sides."""
        width, height = self.width * self.factor, self.height * self.factor
        enlarged = cv2.resize(image, (width, height)) if self.factor > 1 else image
        below, right = self.even_height - height, self.even_width - width
        return cv2.copyMakeBorder(enlarged, 0, below, 0, right, cv2.BORDER_REPLICATE).astype(np.uint8, copy=False)

    def to_canvas(self, xy: NDArray[Any]) -> NDArray[np.float64]:
        """Working pixels to canvas pixels, centres at integers in both."""
        return (np.asarray(xy, np.float64) + 0.5) * self.factor - 0.5

    def text_width(self, text: str) -> int:
        """Width and height of `text` in pixels."""
        x, _, width, _ = cv2.getTextSize((0, 0), text, (0, 0), self.font, self.font_px, SEMIBOLD)
        return int(x + width)

    def draw_text(self, picture: Image, text: str, x: int, y: int, colour: Rgb) -> None:
        """Write `text` with its baseline's left end at (x, y)."""
        cv2.putText(picture, text, (x, y), colour, self.font, self.font_px, SEMIBOLD)
