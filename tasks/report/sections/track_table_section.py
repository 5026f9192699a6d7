"""Table of tracks; a click on a heading sorts."""

from __future__ import annotations

import math

from tasks.report.charts import render_swatch
from tasks.report.formatting import DASH, format_count, format_number
from tasks.report.markup import Markup, join, tag
from tasks.report.report_data import ReportData
from tasks.report.section import Section
from tasks.report.sortable_cells import render_cell, render_head, render_track_button
from tasks.report.track_summary import TrackSummary

HEADINGS = (
    ("track", "Identity, as in the Parquet file"),
    ("class", "Class given by the detector"),
    ("first s", "Start of the track, seconds from the first frame"),
    ("last s", "End of the track, seconds from the first frame"),
    ("frames", "Frames in which the track has a box"),
    ("score", "Mean score of its detections, 0 to 1"),
    (
        "picture path px",
        "Length of the path of its box's centre in the picture, working-size pixels; the camera's motion adds to it, "
        "and where the camera stands still the box's jitter",
    ),
    ("picture speed px/s", "Picture path over the time between first and last centre"),
)


def make_track_table_section(data: ReportData) -> Section | None:
    """The table, or None where there are no tracks or the parameters ask for no rows."""
    most = data.params.table_rows
    if not most or not data.track_summaries:
        return None
    shown = sorted(data.track_summaries[:most], key=lambda summary: summary.track_id)
    more = len(data.track_summaries) - len(shown)
    head = render_head(HEADINGS, "track")
    table = tag(
        "table", tag("thead", head), tag("tbody", *(_row(data, summary) for summary in shown)), class_="sortable"
    )
    rest = f"The {len(shown)} longest tracks are listed; {format_count(more, 'more track')} are in the Parquet file."
    return Section(
        anchor="tracks",
        title="All tracks",
        lead="Picture paths and speeds are of boxes' centres, pixels of the working size, as seen: the camera's motion "
        "and the jitter of boxes are in them. Base paths and speeds, under Movement, are smoothed, without the camera.",
        body=join(
            [
                tag("div", table, class_="scroll", tabindex="0", role="group", aria_label="Table of tracks"),
                tag("p", rest, class_="more") if more else Markup(),
            ]
        ),
    )


def _row(data: ReportData, summary: TrackSummary) -> Markup:
    ident = render_track_button(summary.track_id, summary.first_s, f"Track {summary.track_id}: go to its beginning")
    return tag(
        "tr",
        render_cell(ident, summary.track_id),
        tag(
            "td",
            render_swatch(data.slots[summary.class_id]),
            summary.class_name,
            class_="words",
            data_v=summary.class_name,
        ),
        render_cell(f"{summary.first_s:.2f}", summary.first_s),
        render_cell(f"{summary.last_s:.2f}", summary.last_s),
        render_cell(format_number(summary.frames, 1), summary.frames),
        render_cell(f"{summary.mean_score:.2f}" if math.isfinite(summary.mean_score) else DASH, summary.mean_score),
        render_cell(format_number(summary.path_px, 1), summary.path_px),
        render_cell(format_number(summary.speed_px_s, 2), summary.speed_px_s),
    )
