"""Charts over time as inline SVG of any width: positions in per cent, so that the text size is constant.

The page's script moves the playhead and turns a click into a time (see page.js); without it the chart is still whole.
"""

from __future__ import annotations

import math

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from tasks.report.formatting import format_clock
from tasks.report.markup import tag
from tasks.report.report_data import ReportData

TIME_STEPS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400)
MAX_TICKS = 7
ROUND_FACTORS = (1, 1.5, 2, 3, 4, 5, 6, 8, 10)
AXIS_PX = 24  # height of a line of times
BASELINE_PX = 16  # from its top to the foot of its digits
LAST_SHARE = 0.97  # of the width: a time further right would stick out if centred


def time_step(span_s: float, most: int = MAX_TICKS) -> float:
    """The smallest round step, in seconds, that gives at most `most` ticks over `span_s` > 0."""
    for step in TIME_STEPS_S:
        if span_s > 2 and span_s / step < most:  # noqa: PLR2004  seconds
            return float(step)
    if span_s > 2:  # noqa: PLR2004  seconds
        days = math.ceil(span_s / TIME_STEPS_S[-1] / most)
        return float(TIME_STEPS_S[-1] * days)
    power = 10.0 ** math.floor(math.log10(span_s / most))
    return next(power * factor for factor in (1, 2, 5, 10) if span_s / (power * factor) < most)


def time_ticks(span_s: float, most: int = MAX_TICKS) -> list[float]:
    """Times from 0 up to `span_s`, a round step apart."""
    step = time_step(span_s, most)
    return [round(i * step, 9) for i in range(math.floor(span_s / step + 1e-9) + 1)]


def round_above(value: float) -> float:
    """The smallest round number that is no less than `value` > 0."""
    power = 10.0 ** math.floor(math.log10(value))
    return next(float(f"{power * factor:.6g}") for factor in ROUND_FACTORS if power * factor * (1 + 1e-9) >= value)


def format_percent(share: float) -> str:
    """A share of the width, as SVG takes it; a thousandth of a per cent is finer than any screen."""
    return f"{100 * share:.3f}".rstrip("0").rstrip(".") + "%"


def render_time_plot(data: ReportData, height: int, label: str, layers: list[Markup], axis: bool = True) -> Markup:
    """A chart over time: `layers` on a grid, with bands for faulty frames; `label` is for screen readers."""
    span = data.span_s
    grid = [
        tag("line", class_="grid", x1=format_percent(t / span), x2=format_percent(t / span), y1=0, y2=height)
        for t in time_ticks(span)
    ]
    bands = [
        tag(
            "rect",
            tag("title", fault.status),
            class_=f"fault {fault.status}",
            x=format_percent(fault.start_s / span),
            width=format_percent((fault.stop_s - fault.start_s) / span),
            y=0,
            height=height,
        )
        for fault in data.faults
    ]
    head = tag("line", class_="playhead", x1="0", x2="0", y1=0, y2=height)
    return tag(
        "svg",
        *grid,
        *layers,
        *bands,
        *(_render_times(span, height + BASELINE_PX) if axis else []),
        head,
        class_="plot",
        role="img",
        aria_label=label,
        width="100%",
        height=height + (AXIS_PX if axis else 0),
        data_span=f"{span:.6f}",
    )


def render_time_axis(data: ReportData) -> Markup:
    """The time axis alone, for the top of a high chart."""
    times = _render_times(data.span_s, BASELINE_PX - 2)
    return tag("svg", *times, class_="axis", width="100%", height=AXIS_PX, aria_hidden="true")


def _render_times(span_s: float, baseline: int) -> list[Markup]:
    step = time_step(span_s)
    return [
        tag(
            "text",
            format_clock(t, step),
            class_="tick odd" if i % 2 else "tick",
            x=format_percent(t / span_s),
            y=baseline,
            text_anchor="start" if i == 0 else "end" if t / span_s > LAST_SHARE else "middle",
        )
        for i, t in enumerate(time_ticks(span_s))
    ]


def render_swatch(slot: int) -> Markup:
    """A small square in a class's colour."""
    return tag("i", class_=f"swatch k{slot}", aria_hidden="true")


def render_curve(x: NDArray[np.float64], y: NDArray[np.float64], run: NDArray[np.intp]) -> str:
    """A line through the points as an SVG path, broken where y is NaN or `run` changes; a point alone is a dot."""
    known = np.isfinite(y)
    joined = np.zeros(len(y) + 1, np.bool_)  # whether a line leads from the point before to this one
    joined[1:-1] = known[:-1] & known[1:] & (run[:-1] == run[1:])
    steps = [
        f"{'L' if joined[i] else 'M'}{x[i]:.5g} {y[i]:.4g}{'' if joined[i] or joined[i + 1] else 'h0'}"
        for i in np.flatnonzero(known)
    ]
    return "".join(steps)
