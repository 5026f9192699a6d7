"""Label maps as overlay: each class in its colour of the page, more opaque where confidence is higher."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.arrays import Image
from tasks.artifacts.semantic_field import FieldClass
from tasks.report.colours import CLASS_HUES_DEG, Rgb, class_colour, css_colour, track_colour
from tasks.report.markup import Markup, tag

FAINT, FULL = 0.3, 0.7  # opacity of the colour at confidence 0 and 1
MIN_CONFIDENCE = 0.15  # confidence below it is hatched
HATCH_PX = 3  # width of a stripe; as much is left free
SCHEME = "dark"  # the brighter of a class's two colours: pictures have no scheme


@dataclass(frozen=True)
class LabelPaint:
    """The colour of one value of the label maps."""

    name: str
    rgb: Rgb
    """RGB colour in images."""
    slot: int | None
    """Of the page's class colours; None where the value is one track, which has its own."""

    @property
    def slot_class(self) -> str | None:
        """CSS class with the colour on the page; None where it is a track's."""
        return None if self.slot is None else f"k{self.slot}"

    @property
    def style(self) -> str | None:
        """CSS style with the colour, where there is no such class."""
        return f"--k:{css_colour(self.rgb)}" if self.slot is None else None

    @property
    def swatch(self) -> Markup:
        """A small square in the colour."""
        return tag(
            "i", class_=" ".join(filter(None, ["swatch", self.slot_class])), style=self.style, aria_hidden="true"
        )


def assign_paints(
    classes: Sequence[FieldClass], class_ids: Mapping[str, int], slots: Mapping[int, int]
) -> tuple[LabelPaint, ...]:
    """A paint for each value: a track's own, the page's for a class of that name, or a free one; 0 is not painted."""
    taken = [slots[class_ids[one.name]] for one in classes if one.name in class_ids]
    taken += [slot for slot in slots.values() if slot not in taken]
    free = [slot for slot in range(len(CLASS_HUES_DEG)) if slot not in taken]
    paints: list[LabelPaint] = []
    for number, one in enumerate(classes):
        if one.track_id is not None:
            paints.append(LabelPaint(one.name, track_colour(one.track_id), None))
            continue
        slot = slots[class_ids[one.name]] if one.name in class_ids else number % len(CLASS_HUES_DEG)
        if number and one.name not in class_ids and free:
            slot = free.pop(0)
        paints.append(LabelPaint(one.name, class_colour(slot, SCHEME), slot))
    return tuple(paints)


def paint_label_map(
    image: Image, label: NDArray[np.uint8], confidence: NDArray[np.float32], paints: Sequence[LabelPaint]
) -> Image:
    """(h, w, 3) `image` under a map of any size: colours by confidence, guesses hatched, outlines full; 0 stays."""
    height, width = image.shape[:2]
    shown: NDArray[Any] = cv2.resize(label, (width, height), interpolation=cv2.INTER_NEAREST)
    sure: NDArray[Any] = cv2.resize(confidence, (width, height), interpolation=cv2.INTER_LINEAR)
    colours = np.array([one.rgb for one in paints], np.float32)[shown]
    grey = colours.mean(axis=2, keepdims=True)
    say = np.clip(sure, 0, 1)[..., None]
    alpha = FAINT + (FULL - FAINT) * say
    stripes = (np.add.outer(np.arange(height), np.arange(width)) // HATCH_PX) % 2 == 0
    alpha = np.where((sure < MIN_CONFIDENCE)[..., None] & stripes[..., None], 0, alpha)
    alpha = np.where((shown == 0)[..., None], 0, alpha)
    # Saturation too goes with confidence: what is little sure is nearly grey.
    mixed = (1 - alpha) * image + alpha * (grey + np.sqrt(say) * (colours - grey))
    edge = find_outlines(shown) & (shown > 0)
    mixed[edge] = colours[edge]
    return np.rint(mixed).astype(np.uint8)


def find_outlines(label: NDArray[Any]) -> NDArray[np.bool_]:
    """(h, w) pixels with a horizontal or vertical neighbour of another label."""
    edge = np.zeros(label.shape, np.bool_)
    across, down = label[:, 1:] != label[:, :-1], label[1:] != label[:-1]
    edge[:, 1:] |= across
    edge[:, :-1] |= across
    edge[1:] |= down
    edge[:-1] |= down
    return edge
