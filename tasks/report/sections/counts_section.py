"""The number of tracks of each class over time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.report.charts import render_swatch, render_time_plot
from tasks.report.formatting import format_clock, format_count
from tasks.report.markup import Markup, tag
from tasks.report.plot_area import UNITS
from tasks.report.report_data import ReportData
from tasks.report.section import Section

HEIGHT_PX = 56
MAX_CLASSES = 8
MAX_STEPS = 800  # over the width of the chart; longer videos show the mean of neighbouring frames


@dataclass(frozen=True)
class TrackCounts:
    """Number of tracks of one class over time."""

    class_id: int
    class_name: str
    amounts: NDArray[np.int64]
    """(t,) number of tracks of the class in each frame."""


def make_counts_section(data: ReportData) -> Section | None:
    """A small chart per class, in descending order of frequency; None without tracks."""
    found = count_per_frame(data)
    if not found:
        return None
    rows = [_row(data, one, last=one is found[:MAX_CLASSES][-1]) for one in found[:MAX_CLASSES]]
    more = len(found) - len(rows)
    return Section(
        anchor="counts",
        title="How many at once",
        lead=_sentence(data, found[0])
        + (f" {format_count(more, 'less frequent class', 'less frequent classes')} not shown." if more else ""),
        body=tag("div", *rows, class_="census"),
    )


def count_per_frame(data: ReportData) -> list[TrackCounts]:
    """The counts of every class with a track, in descending order of rows."""
    tracks = data.tracks
    found: list[TrackCounts] = []
    for class_id in np.unique(tracks.class_id):
        rows = tracks.class_id == class_id
        amounts = np.bincount(tracks.frame[rows], minlength=len(data.frames))
        found.append(TrackCounts(int(class_id), str(tracks.class_name[rows][0]), amounts))
    return sorted(found, key=lambda one: (-int(one.amounts.sum()), one.class_id))


def _sentence(data: ReportData, one: TrackCounts) -> str:
    when = format_clock(float(data.edges_s[one.amounts.argmax()]), 0.1)
    return f"At most {format_count(int(one.amounts.max()), f'{one.class_name} track')} at once, at {when}."


def _row(data: ReportData, one: TrackCounts, last: bool) -> Markup:
    most = int(one.amounts.max())
    mean = float(np.average(one.amounts, weights=np.diff(data.edges_s)))
    area, line = _paths(data, one.amounts / most)
    inner = tag(
        "svg",
        tag("path", d=area, class_="area"),
        tag("path", d=line, class_="line"),
        class_=f"k{data.slots[one.class_id]}",
        x="0",
        y=4,
        width="100%",
        height=HEIGHT_PX - 4,
        viewBox=f"0 0 {UNITS} 100",
        preserveAspectRatio="none",
    )
    floor = tag("line", class_="floor", x1="0", x2="100%", y1=HEIGHT_PX, y2=HEIGHT_PX)
    words = f"up to {most}, {mean:.{1 if mean >= 1 else 2}f} on average"
    return tag(
        "div",
        tag(
            "div",
            tag("b", render_swatch(data.slots[one.class_id]), one.class_name),
            tag("span", words),
            class_="name",
        ),
        render_time_plot(data, HEIGHT_PX, f"{one.class_name} tracks over time: {words}", [inner, floor], axis=last),
        class_="row",
    )


def _paths(data: ReportData, heights: NDArray[np.float64]) -> tuple[str, str]:
    """SVG paths of a step curve of `heights` (0..1): the area under it, and the curve."""
    step = -(-len(heights) // MAX_STEPS)
    starts = np.arange(0, len(heights), step)
    means = np.add.reduceat(heights, starts) / np.diff(np.append(starts, len(heights)))
    x = np.append(data.edges_s[starts], data.span_s) / data.span_s * UNITS
    y = 100 * (1 - means)
    corners = [f"M0 {y[0]:.4g}"]
    corners += [f"H{x[i]:.5g}V{y[i]:.4g}" for i in range(1, len(y)) if f"{y[i]:.4g}" != f"{y[i - 1]:.4g}"]
    line = "".join(corners) + f"H{UNITS}"
    return f"{line}V100H0Z", line
