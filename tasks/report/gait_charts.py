"""Gait charts of one person: knee flexion over time, foot positions over time, and knee flexion over a stride."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.arrays import Floats
from tasks.artifacts.kinematics import Kinematics
from tasks.report.charts import AXIS_PX, BASELINE_PX, LAST_SHARE, format_percent, render_curve, round_above, time_step
from tasks.report.formatting import format_clock, format_count
from tasks.report.markup import Markup, tag
from tasks.report.person_motion import PERCENT, PersonMotion, knee_flexion
from tasks.report.plot_area import UNITS, render_plot_area
from tasks.report.report_data import ReportData

HEIGHT_PX = 104
TOP_DEG = 90  # of charts of knees, so that people compare: walking bends them by 60 to 70
CROUCH_DEG = 180  # of those in which somebody bends further
STRIKE_LENGTH = 9  # of the mark of a step, in hundredths of the height
MAX_TICKS = 5  # charts stand side by side
SIDES = ("left", "right")


@dataclass(frozen=True)
class ChartSpan:
    """The time span of a chart: from a person's first pose to the last."""

    start_s: float
    stop_s: float

    @property
    def length_s(self) -> float:
        return self.stop_s - self.start_s

    def to_share(self, time_s: Floats) -> Floats:
        """Horizontal positions of times, 0..1."""
        return (time_s - self.start_s) / self.length_s

    def make_ticks(self) -> list[tuple[float, str]]:
        """(position 0..1, text) of each tick."""
        step = time_step(self.length_s, MAX_TICKS)
        first, last = math.ceil(self.start_s / step - 1e-9), math.floor(self.stop_s / step + 1e-9)
        return [
            ((i * step - self.start_s) / self.length_s, format_clock(i * step, step)) for i in range(first, last + 1)
        ]


def render_knees_over_time(data: ReportData, kinematics: Kinematics, person: PersonMotion) -> Markup | None:
    """Flexion of both knees over time, with heel strikes marked at the bottom; None where neither is ever known."""
    bent = {side: knee_flexion(kinematics, side)[person.rows] for side in SIDES}
    known = np.concatenate([values[np.isfinite(values)] for values in bent.values()])
    if not len(known):
        return None
    top = TOP_DEG if known.max() <= TOP_DEG else CROUCH_DEG
    moments = _PersonTimes.from_kinematics(data, kinematics, person)
    drawn = [_line(moments.to_path(values / top), f"knee {side}") for side, values in bent.items()]
    label = f"Knees of person {person.track_id} over time, {format_count(person.steps, 'step')} marked at the foot"
    return _figure(
        "Bend of the knees, 0° is straight", moments.render_plot(label, f"{top}°", [*drawn, *moments.render_strikes()])
    )


def render_feet_over_time(data: ReportData, kinematics: Kinematics, person: PersonMotion) -> Markup | None:
    """Distance by which the left foot is ahead of the right one over time; None where that is never known."""
    lead = kinematics.foot_lead[person.rows].astype(np.float64)
    if not np.isfinite(lead).any():
        return None
    top = round_above(max(float(np.nanmax(np.abs(lead))), 0.1))
    moments = _PersonTimes.from_kinematics(data, kinematics, person)
    middle = tag("path", d=f"M0 50H{UNITS}", class_="level")
    drawn = [middle, _line(moments.to_path((lead / top + 1) / 2), "knee"), *moments.render_strikes()]
    label = f"Feet of person {person.track_id} over time: one ahead of the other by up to {top:g} body heights"
    return _figure("Left foot ahead of the right, body heights", moments.render_plot(label, f"\u00b1{top:g}", drawn))


def render_stride_chart(curves: Mapping[str, Floats]) -> Markup:
    """Mean knee flexion over a stride per side, with a band of one standard deviation where there are several."""
    x, joined = PERCENT / 100 * UNITS, np.zeros(2 * len(PERCENT), np.intp)
    drawn: list[Markup] = []
    for side, strides in curves.items():
        if not len(strides):
            continue
        mean, deviation = 100 * (1 - strides.mean(axis=0) / TOP_DEG), 100 * strides.std(axis=0) / TOP_DEG
        if len(strides) > 1:
            edge = np.concatenate([mean - deviation, (mean + deviation)[::-1]])
            outline = render_curve(np.concatenate([x, x[::-1]]), edge, joined) + "Z"
            drawn.append(tag("path", d=outline, class_=f"deviation {side}"))
        drawn.append(_line(render_curve(x, mean, joined[: len(x)]), f"knee {side}"))
    said = " and ".join(f"{len(strides)} {side}" for side, strides in curves.items() if len(strides))
    ticks = [(0.0, "heel strike"), (0.5, "50 %"), (1.0, "100 %")]
    plot = tag(
        "svg",
        *render_plot_area(drawn, f"{TOP_DEG}°", HEIGHT_PX),
        *_ticks(ticks),
        role="img",
        aria_label=f"Mean knee flexion over a stride: {said}",
        width="100%",
        height=HEIGHT_PX + AXIS_PX,
    )
    return _figure(f"Bend of the knees over a stride, mean of {said}", plot)


@dataclass(frozen=True)
class _PersonTimes:
    """Horizontal positions of a person's rows on a chart."""

    span: ChartSpan
    places: Floats
    """(n,) horizontal positions in the inner SVG."""
    gaps: NDArray[np.intp]
    """(n,) a new number after each missing frame."""
    struck: NDArray[np.object_]

    @classmethod
    def from_kinematics(cls, data: ReportData, kinematics: Kinematics, person: PersonMotion) -> _PersonTimes:
        frames = kinematics.frame[person.rows]
        starts, stops = data.edges_s[frames], data.edges_s[frames + 1]
        span = ChartSpan(float(starts[0]), float(stops[-1]))
        gaps = np.cumsum(np.diff(frames, prepend=frames[0] - 1) > 1, dtype=np.intp)
        return cls(span, span.to_share((starts + stops) / 2) * UNITS, gaps, kinematics.heel_strike[person.rows])

    def to_path(self, share: Floats) -> str:
        """The path of values given as shares of the height."""
        return render_curve(self.places, 100 * (1 - share), self.gaps)

    def render_strikes(self) -> list[Markup]:
        """A mark at the bottom for each heel strike, in the colour of its side."""
        return [
            tag("path", d="".join(f"M{x:.5g} 100v{-STRIKE_LENGTH}" for x in places), class_=f"strike {side}")
            for side in (*SIDES, "unsided")
            if len(places := self.places[self.struck == side])
        ]

    def render_plot(self, label: str, top: str, drawn: Sequence[Markup]) -> Markup:
        """A chart for the page's script: a click seeks the video, a playhead shows its position."""
        ticks = self.span.make_ticks()
        grid = [
            tag("line", class_="grid", x1=format_percent(share), x2=format_percent(share), y1=0, y2=HEIGHT_PX)
            for share, _ in ticks
        ]
        return tag(
            "svg",
            *grid,
            *render_plot_area(drawn, top, HEIGHT_PX),
            *_ticks(ticks),
            tag("line", class_="playhead", x1="0", x2="0", y1=0, y2=HEIGHT_PX),
            class_="plot",
            role="img",
            aria_label=label,
            width="100%",
            height=HEIGHT_PX + AXIS_PX,
            data_start=f"{self.span.start_s:.6f}",
            data_span=f"{self.span.length_s:.6f}",
        )


def _line(path: str, kind: str) -> Markup:
    return tag("path", d=path, class_=kind)


def _figure(caption: str, plot: Markup) -> Markup:
    return tag("figure", tag("figcaption", caption), plot)


def _ticks(ticks: Sequence[tuple[float, str]]) -> list[Markup]:
    return [
        tag(
            "text",
            text,
            class_="tick",
            x=format_percent(share),
            y=HEIGHT_PX + BASELINE_PX,
            text_anchor="start" if share < 1 - LAST_SHARE else "end" if share > LAST_SHARE else "middle",
        )
        for share, text in ticks
    ]
