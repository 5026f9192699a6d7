"""Cells of sortable tables: headings, a value to sort by, and the button of a track."""

from __future__ import annotations

import math
from collections.abc import Sequence

from tasks.report.colours import css_colour, track_colour
from tasks.report.markup import Markup, tag


def render_head(headings: Sequence[tuple[str, str]], sorted_by: str = "", order: str = "ascending") -> Markup:
    """The row of headings, from (heading, meaning) pairs; a click sorts by it. `sorted_by`: how the rows are sorted."""
    return tag(
        "tr",
        *(
            tag(
                "th",
                tag("button", heading, type="button", title=meaning),
                scope="col",
                aria_sort=order if heading == sorted_by else "none",
                class_="words" if heading == "class" else None,
            )
            for heading, meaning in headings
        ),
    )


def render_cell(shown: Markup | str, value: float) -> Markup:
    """A cell that shows `shown` and is sorted by `value`; without a finite value it comes first."""
    return tag("td", shown, data_v=f"{value:.6g}" if math.isfinite(value) else "-1")


def render_track_dot(track_id: int) -> Markup:
    """A dot in the colour that the track has over the film."""
    return tag("i", class_="dot", style=f"background:{css_colour(track_colour(track_id))}", aria_hidden="true")


def render_track_button(track_id: int, time_s: float, label: str) -> Markup:
    """The track's dot and number; a click picks the track and moves the film to `time_s`."""
    return tag(
        "button",
        render_track_dot(track_id),
        track_id,
        type="button",
        data_t=f"{time_s:.4f}",
        data_track=track_id,
        aria_label=label,
    )
