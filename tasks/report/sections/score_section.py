"""Histogram of detection scores, and the share of detections used by the tracker."""

from __future__ import annotations

import numpy as np

from tasks.report.charts import format_percent
from tasks.report.formatting import format_count, format_number
from tasks.report.markup import Markup, join, tag
from tasks.report.report_data import ReportData
from tasks.report.section import Section, render_message

BINS = 20
HEIGHT_PX = 168
AXIS_PX = 24
HEADROOM_PX = 18  # for the number over the highest bar
GAP = 0.12  # of a bar's width


def make_score_section(data: ReportData) -> Section:
    """A histogram of detection scores, tracked ones filled."""
    detections = data.detections
    if not len(detections):
        return Section("scores", "Detection scores", "", render_message("There are no detections in this video."))
    rows = np.unique(data.tracks.detection)
    every = _histogram(detections.score)
    tracked = _histogram(detections.score[rows[rows >= 0]])
    share = tracked.sum() / every.sum()
    return Section(
        anchor="scores",
        title="Detection scores",
        lead=f"Scores of {format_count(len(detections), 'detection')}; {share:.0%} of them became part of a track.",
        body=join([_chart(every, tracked), _legend()]),
        width="narrow",
    )


def _histogram(values: np.ndarray) -> np.ndarray:
    return np.histogram(values, bins=BINS, range=(0.0, 1.0))[0]


def _chart(every: np.ndarray, tracked: np.ndarray) -> Markup:
    most = int(every.max())
    scale = (HEIGHT_PX - HEADROOM_PX) / most
    bars: list[Markup] = []
    for i, (total, used) in enumerate(zip(every, tracked, strict=True)):
        for amount, kind in ((int(total), "every"), (int(used), "used")):
            bars.append(
                tag(
                    "rect",
                    tag("title", f"{i / BINS:.2f} to {(i + 1) / BINS:.2f}: {total}, {used} of them tracked"),
                    class_=kind,
                    x=format_percent((i + GAP / 2) / BINS),
                    width=format_percent((1 - GAP) / BINS),
                    y=float(HEIGHT_PX - amount * scale),
                    height=float(amount * scale),
                )
                if amount
                else Markup()
            )
    top = int(every.argmax())
    peak = tag(
        "text",
        format_number(most, 1),
        class_="tick",
        x=format_percent((top + 0.5) / BINS),
        y=HEADROOM_PX - 5,
        text_anchor="start" if top < 2 else "end" if top > BINS - 3 else "middle",  # noqa: PLR2004  bars at the edges of the chart
    )
    ticks = [
        tag("text", f"{value:g}", class_="tick", x=format_percent(value), y=HEIGHT_PX + 16, text_anchor=anchor)
        for value, anchor in ((0, "start"), (0.25, "middle"), (0.5, "middle"), (0.75, "middle"), (1, "end"))
    ]
    floor = tag("line", class_="floor", x1="0", x2="100%", y1=HEIGHT_PX, y2=HEIGHT_PX)
    return tag(
        "svg",
        *bars,
        floor,
        peak,
        *ticks,
        class_="histogram",
        role="img",
        aria_label=f"Histogram of {int(every.sum())} detection scores",
        width="100%",
        height=HEIGHT_PX + AXIS_PX,
    )


def _legend() -> Markup:
    return tag(
        "p",
        tag("i", class_="swatch used", aria_hidden="true"),
        "tracked",
        tag("i", class_="swatch unused", aria_hidden="true"),
        "not used",
        class_="legend",
    )
