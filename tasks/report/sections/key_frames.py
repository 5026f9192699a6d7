"""A strip of pictures, evenly spaced over the whole ones."""

from __future__ import annotations

import numpy as np

from tasks.report.dossier import Dossier
from tasks.report.markup import Markup, tag
from tasks.report.picture import data_uri, jpeg, shrink
from tasks.report.section import Section, nothing
from tasks.report.spread import spread
from tasks.report.words import clock

LONGEST_PX = 280


def key_frames(dossier: Dossier) -> Section | None:
    """The strip, or None where the parameters ask for no pictures."""
    if not dossier.params.key_frames:
        return None
    # Not the very first and last, which may be black or faded.
    chosen = spread(np.flatnonzero(dossier.frames.ok), dossier.params.key_frames)
    pictures = [_picture(dossier, int(frame)) for frame in chosen]
    body = (
        tag("div", *pictures, class_="strip", tabindex="0", role="group", aria_label="Key frames") if pictures else None
    )
    return Section(
        "frames", "At a glance", "", body or nothing("No frame came out whole, so there is nothing to show.")
    )


def _picture(dossier: Dossier, frame: int) -> Markup:
    image = shrink(dossier.frames.image(frame), LONGEST_PX)
    height, width = image.shape[:2]
    time_s = float(dossier.edges_s[frame])
    when = clock(time_s, 0.1)
    return tag(
        "button",
        tag("img", src=data_uri(jpeg(image)), width=width, height=height, alt=f"Frame {frame}", loading="lazy"),
        tag("span", when, class_="when"),
        type="button",
        data_t=f"{time_s:.4f}",
        aria_label=f"Go to {when}, frame {frame}",
    )
