"""Every track in figures; a click on a heading sorts."""

from __future__ import annotations

import math

from tasks.report.colours import css, track_colour
from tasks.report.dossier import Dossier
from tasks.report.lives import Life
from tasks.report.markup import Markup, join, tag
from tasks.report.plot import swatch
from tasks.report.section import Section
from tasks.report.words import DASH, count, number

HEADINGS = (
    ("track", "Identity, as in the Parquet file"),
    ("class", "What the detector called it"),
    ("first s", "Seconds from the first frame to its beginning"),
    ("last s", "Seconds from the first frame to its end"),
    ("frames", "Frames it has a row in"),
    ("score", "Mean score of its detections, 0 to 1"),
    ("path px", "Length of the line through its centres, working-size pixels; a trembling box adds to it"),
    ("speed px/s", "Path over the time between first and last centre"),
)


def track_table(dossier: Dossier) -> Section | None:
    """The table, or None where there are no tracks or the parameters ask for no rows."""
    most = dossier.params.table_rows
    if not most or not dossier.lives:
        return None
    shown = sorted(dossier.lives[:most], key=lambda life: life.track_id)
    more = len(dossier.lives) - len(shown)
    head = tag(
        "tr",
        *(
            tag(
                "th",
                tag("button", heading, type="button", title=meaning),
                scope="col",
                aria_sort="ascending" if heading == "track" else "none",
                class_="words" if heading == "class" else None,
            )
            for heading, meaning in HEADINGS
        ),
    )
    table = tag("table", tag("thead", head), tag("tbody", *(_row(dossier, life) for life in shown)), class_="sortable")
    rest = f"The {len(shown)} present longest are listed; {count(more, 'more track')} are in the Parquet file."
    return Section(
        anchor="tracks",
        title="All tracks",
        lead="Lengths and speeds are in pixels of the working size, along the picture: a moving camera adds to them.",
        body=join(
            [
                tag("div", table, class_="scroll", tabindex="0", role="group", aria_label="Table of tracks"),
                tag("p", rest, class_="more") if more else Markup(),
            ]
        ),
    )


def _row(dossier: Dossier, life: Life) -> Markup:
    ident = tag(
        "button",
        tag("i", class_="dot", style=f"background:{css(track_colour(life.track_id))}", aria_hidden="true"),
        life.track_id,
        type="button",
        data_t=f"{life.first_s:.4f}",
        aria_label=f"Track {life.track_id}: go to its beginning",
    )
    return tag(
        "tr",
        _cell(ident, life.track_id),
        tag("td", swatch(dossier.slots[life.class_id]), life.class_name, class_="words", data_v=life.class_name),
        _cell(f"{life.first_s:.2f}", life.first_s),
        _cell(f"{life.last_s:.2f}", life.last_s),
        _cell(number(life.frames, 1), life.frames),
        _cell(f"{life.mean_score:.2f}" if math.isfinite(life.mean_score) else DASH, life.mean_score),
        _cell(number(life.path_px, 1), life.path_px),
        _cell(number(life.speed_px_s, 2), life.speed_px_s),
    )


def _cell(shown: Markup | str, value: float) -> Markup:
    return tag("td", shown, data_v=f"{value:.6g}" if math.isfinite(value) else "-1")
