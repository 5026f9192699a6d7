"""Charts over time as inline SVG that fits any width: places in per cent, so that text keeps its size.

The page's script moves the playhead and turns a click into a time (see page.js); without it the chart is still whole.
"""

from __future__ import annotations

from markupsafe import Markup

from tasks.report.axis import time_step, time_ticks
from tasks.report.dossier import Dossier
from tasks.report.markup import tag
from tasks.report.words import clock

AXIS_PX = 24  # height of a line of times
BASELINE_PX = 16  # from its top to the foot of its digits
LAST_SHARE = 0.97  # of the width: a time further right would stick out if centred


def percent(share: float) -> str:
    """A share of the width, as SVG takes it; a thousandth of a per cent is finer than any screen."""
    return f"{100 * share:.3f}".rstrip("0").rstrip(".") + "%"


def time_plot(dossier: Dossier, height: int, label: str, layers: list[Markup], axis: bool = True) -> Markup:
    """`layers` over the time of a dossier with frames, where frames are not whole a band; `label` says it in words."""
    span = dossier.span_s
    grid = [
        tag("line", class_="grid", x1=percent(t / span), x2=percent(t / span), y1=0, y2=height)
        for t in time_ticks(span)
    ]
    bands = [
        tag(
            "rect",
            tag("title", fault.status),
            class_=f"fault {fault.status}",
            x=percent(fault.start_s / span),
            width=percent((fault.stop_s - fault.start_s) / span),
            y=0,
            height=height,
        )
        for fault in dossier.faults
    ]
    head = tag("line", class_="playhead", x1="0", x2="0", y1=0, y2=height)
    return tag(
        "svg",
        *grid,
        *layers,
        *bands,
        *(_times(span, height + BASELINE_PX) if axis else []),
        head,
        class_="plot",
        role="img",
        aria_label=label,
        width="100%",
        height=height + (AXIS_PX if axis else 0),
        data_span=f"{span:.6f}",
    )


def time_axis(dossier: Dossier) -> Markup:
    """The times alone, to stand above a high chart."""
    times = _times(dossier.span_s, BASELINE_PX - 2)
    return tag("svg", *times, class_="axis", width="100%", height=AXIS_PX, aria_hidden="true")


def _times(span_s: float, baseline: int) -> list[Markup]:
    step = time_step(span_s)
    return [
        tag(
            "text",
            clock(t, step),
            class_="tick odd" if i % 2 else "tick",
            x=percent(t / span_s),
            y=baseline,
            text_anchor="start" if i == 0 else "end" if t / span_s > LAST_SHARE else "middle",
        )
        for i, t in enumerate(time_ticks(span_s))
    ]


def swatch(slot: int) -> Markup:
    """A small square in a class's colour."""
    return tag("i", class_=f"swatch k{slot}", aria_hidden="true")
