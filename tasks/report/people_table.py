"""Table of all people with poses; a click on a heading sorts."""

from __future__ import annotations

import math
from collections.abc import Sequence

from tasks.report.formatting import DASH, format_count, format_number
from tasks.report.markup import Markup, join, tag
from tasks.report.person_motion import PersonMotion
from tasks.report.report_data import ReportData
from tasks.report.sortable_cells import render_cell, render_head, render_track_button

HEADINGS = (
    ("person", "Number of the track, as in the table of tracks: somebody who is lost and found again has several"),
    ("poses", "Frames with a pose"),
    ("seen", "Share of the whole frames it is tracked in that have a pose"),
    ("height px", "Body height (H) from the lengths of its limbs, median over its poses, working-size pixels"),
    (
        "hip speed H/s",
        "Speed of the middle of the hips in the picture, median over poses, body heights per second; the camera's "
        "motion is in it",
    ),
    ("steps", "Heel strikes seen"),
    ("steps/min", "Cadence, mean over its walks"),
    ("step H", "Length of a step, median, body heights: one ankle ahead of the other"),
    ("left-right %", "Difference of the mean times of left and right steps over their mean"),
    ("left knee bends by °", "Range of the left knee's bend: from its 5th to its 95th percentile, degrees"),
    ("right knee bends by °", "Range of the right knee's bend: from its 5th to its 95th percentile, degrees"),
)


def render_people_table(data: ReportData, everybody: Sequence[PersonMotion], first_s: Sequence[float]) -> Markup | None:
    """The table, or None where the parameters ask for no rows; `first_s` is when each of `everybody` is seen first."""
    most = data.params.table_rows
    if not most:
        return None
    head = render_head(HEADINGS)
    rows = [_row(person, begin) for person, begin in list(zip(everybody, first_s, strict=True))[:most]]
    table = tag("table", tag("thead", head), tag("tbody", *rows), class_="sortable")
    more = len(everybody) - len(rows)
    return join(
        [
            tag("div", table, class_="scroll", tabindex="0", role="group", aria_label="Table of people"),
            tag(
                "p",
                f"{format_count(more, 'more track of a person', 'more tracks of people')} in the Parquet file.",
                class_="more",
            )
            if more
            else None,
        ]
    )


def _row(person: PersonMotion, first_s: float) -> Markup:
    ident = render_track_button(person.track_id, first_s, f"Person {person.track_id}: go to the first pose")
    return tag(
        "tr",
        render_cell(ident, person.track_id),
        render_cell(format_number(len(person.rows), 1), len(person.rows)),
        render_cell(f"{person.coverage:.0%}" if math.isfinite(person.coverage) else DASH, person.coverage),
        render_cell(format_number(person.height_px, 1), person.height_px),
        render_cell(format_number(person.travel, 3), person.travel),
        render_cell(format_number(person.steps, 1) if person.steps else DASH, person.steps),
        render_cell(format_number(person.cadence, 1), person.cadence),
        render_cell(format_number(person.step, 3), person.step),
        render_cell(format_number(person.step_asymmetry, 1), person.step_asymmetry),
        render_cell(format_number(person.knee_left, 1), person.knee_left),
        render_cell(format_number(person.knee_right, 1), person.knee_right),
    )
