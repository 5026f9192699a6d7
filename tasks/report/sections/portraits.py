"""Who was here longest: a picture per track, at its best moment."""

from __future__ import annotations

import cv2
import numpy as np

from tasks.arrays import Image
from tasks.report.colours import track_colour
from tasks.report.dossier import Dossier
from tasks.report.lives import Life
from tasks.report.markup import Markup, join, tag
from tasks.report.picture import data_uri, jpeg, shrink
from tasks.report.plot import swatch
from tasks.report.section import Section
from tasks.report.words import clock, count, duration

SIDE_PX = 168
SURROUNDINGS = 1.3  # side of the cut, in longer sides of the box
LEAST_CUT_PX = 40  # of the working picture; less is only blur


def portraits(dossier: Dossier) -> Section | None:
    """The gallery, or None where there is nobody to show or the parameters ask for none."""
    most = dossier.params.portraits
    # A picture is cut where a whole frame shows the track; the best row may lie in a damaged one.
    shown = [life for life in dossier.lives if dossier.frames.ok[dossier.tracks.frame[life.best_row]]][:most]
    if not shown:
        return None
    cards = {life.track_id: _card(dossier, life) for life in sorted(shown, key=lambda life: life.best_s)}
    more = len(dossier.lives) - len(shown)
    body = join(
        [
            tag("div", *(cards[life.track_id] for life in shown), class_="portraits"),
            tag("p", f"and {count(more, 'more track')}, all of them in the Parquet file", class_="more")
            if more
            else Markup(),
        ]
    )
    return Section(
        anchor="longest",
        title="Here longest",
        lead="Each track at its best-scoring frame, those present longest first.",
        body=body,
    )


def _card(dossier: Dossier, life: Life) -> Markup:
    image = portrait(
        dossier.frames.image(int(dossier.tracks.frame[life.best_row])),
        dossier.tracks.xyxy[life.best_row],
        track_colour(life.track_id),
    )
    name = f"{life.class_name} {life.track_id}"
    return tag(
        "button",
        tag("img", src=data_uri(jpeg(image)), width=SIDE_PX, height=SIDE_PX, alt="", loading="lazy"),
        tag("b", swatch(dossier.slots[life.class_id]), name),
        tag("span", f"{duration(life.present_s)} · from {clock(life.first_s)}"),
        type="button",
        data_t=f"{life.best_s:.4f}",
        aria_label=f"{name}, {duration(life.present_s)}: go to its best frame at {clock(life.best_s, 0.1)}",
    )


def portrait(image: Image, xyxy: np.ndarray, colour: tuple[int, int, int]) -> Image:
    """A square cut of `image` around a box, the box drawn, SIDE_PX on each side."""
    height, width = image.shape[:2]
    x1, y1, x2, y2 = (float(v) for v in xyxy)
    side = round(min(max((max(x2 - x1, y2 - y1)) * SURROUNDINGS, LEAST_CUT_PX), width, height))
    left = round(min(max((x1 + x2 - side) / 2, 0), width - side))
    top = round(min(max((y1 + y2 - side) / 2, 0), height - side))
    cut = shrink(image[top : top + side, left : left + side].copy(), SIDE_PX)
    scale = SIDE_PX / side
    if cut.shape[0] < SIDE_PX:
        cut = cv2.resize(cut, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_CUBIC)
    corners = [(round((x - left) * scale), round((y - top) * scale)) for x, y in ((x1, y1), (x2, y2))]
    return cv2.rectangle(cut, corners[0], corners[1], colour, 2).astype(np.uint8, copy=False)
