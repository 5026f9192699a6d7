"""Timeline of tracks: a row per track, with its detected and interpolated segments."""

from __future__ import annotations

from tasks.report.charts import format_percent, render_swatch, render_time_axis, render_time_plot
from tasks.report.formatting import format_clock, format_count
from tasks.report.markup import Markup, join, tag
from tasks.report.report_data import ReportData
from tasks.report.section import Section, render_message
from tasks.report.track_summary import TrackSegment, TrackSummary

ROW_PX = 22
BAR_PX = 12
MIN_SHOWN_SHARE = 1 / 2000  # of the width: shorter gaps are invisible, so segments are drawn as one


def make_timeline_section(data: ReportData) -> Section | None:
    """The chart, or None where the parameters ask for no rows or the film's player has a timeline of its own."""
    most = data.params.timeline_rows
    if not most:
        return None
    if not data.track_summaries:
        return Section("timeline", "Track timeline", "", render_message("There are no tracks in this video."))
    if data.has_film:
        return None
    shown = sorted(data.track_summaries[:most], key=lambda summary: (summary.first_s, summary.track_id))
    more = len(data.track_summaries) - len(shown)
    names = [
        tag(
            "button",
            render_swatch(data.slots[summary.class_id]),
            tag("span", f"{summary.class_name} {summary.track_id}"),
            type="button",
            data_t=f"{summary.first_s:.4f}",
            title=f"Go to {format_clock(summary.first_s, 0.1)}",
        )
        for summary in shown
    ]
    chart = render_time_plot(
        data,
        ROW_PX * len(shown),
        f"Timeline of {format_count(len(shown), 'track')}; the table below holds the same figures",
        [_row(summary, i * ROW_PX, data) for i, summary in enumerate(shown)],
    )
    rest = (
        f"The {len(shown)} longest tracks are shown; "
        f"{format_count(more, 'more track')} in the table and the Parquet file."
    )
    return Section(
        anchor="timeline",
        title="Track timeline",
        lead="Solid where detected, pale where interpolated, a thin line where the track has no box. "
        "Click to jump there." + (" Bands mark damaged (amber) and lost (red) frames." if data.faults else ""),
        body=join(
            [
                tag(
                    "div",
                    render_time_axis(data),
                    tag("div", *names, class_="names"),
                    chart,
                    class_="gantt",
                    style=f"--row:{ROW_PX}px",
                ),
                tag("p", rest, class_="more") if more else Markup(),
            ]
        ),
    )


def _row(summary: TrackSummary, top: int, data: ReportData) -> Markup:
    span, middle = data.span_s, top + ROW_PX / 2
    interpolated = f", {summary.interpolated} of them interpolated" if summary.interpolated else ""
    parts = [
        tag(
            "title",
            f"{summary.class_name} {summary.track_id}: {format_clock(summary.first_s, 0.1)} "
            f"to {format_clock(summary.last_s, 0.1)}, "
            f"{format_count(summary.frames, 'frame')}{interpolated}",
        ),
        tag("rect", class_="hit", x="0", y=top, width="100%", height=ROW_PX),
        tag(
            "line",
            class_="life",
            x1=format_percent(summary.first_s / span),
            x2=format_percent(summary.last_s / span),
            y1=middle,
            y2=middle,
        ),
        *(
            tag(
                "rect",
                class_=None if part.is_detected else "filled",
                x=format_percent(part.start_s / span),
                y=middle - BAR_PX / 2,
                width=format_percent((part.stop_s - part.start_s) / span),
                height=BAR_PX,
            )
            for part in merge_short_segments(summary.segments, span * MIN_SHOWN_SHARE)
        ),
    ]
    return tag(
        "g",
        *parts,
        class_=f"track k{data.slots[summary.class_id]}",
        data_from=f"{summary.first_s:.4f}",
        data_to=f"{summary.last_s:.4f}",
    )


def merge_short_segments(segments: tuple[TrackSegment, ...], finest_s: float) -> list[TrackSegment]:
    """Segments, with those too short to be drawn merged into the one on their left."""
    joined: list[TrackSegment] = []
    for part in segments:
        last = joined[-1] if joined else None
        near = last is not None and part.start_s - last.stop_s < finest_s
        if (
            last is not None
            and near
            and (part.is_detected == last.is_detected or part.stop_s - part.start_s < finest_s)
        ):
            joined[-1] = TrackSegment(last.start_s, part.stop_s, last.is_detected)
        else:
            joined.append(part)
    return joined
