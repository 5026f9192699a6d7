"""The learning curve of a team's labels as a small chart, with what it says in words."""

from __future__ import annotations

from collections.abc import Sequence

from tasks.report.formatting import format_number
from tasks.report.markup import Markup, tag

WIDTH, HEIGHT, LEFT, BOTTOM = 360, 160, 40, 24
"""Pixels of the chart, and of its margins for the numbers."""
RISE = 0.03
"""Accuracy that the last step of the curve must gain for more labels to be worth their while."""
Curve = Sequence[tuple[int, float]]
"""Segments learned and accuracy, ascending."""


def render_learning_curve(curve: Curve, label_count: int) -> Markup | None:
    """The chart, from 0 to 1 with the level of chance; None with less than two points."""
    if len(curve) < 2:  # noqa: PLR2004  a line has two ends
        return None
    most = curve[-1][0]
    places = [(_across(segments, most), _down(top1)) for segments, top1 in curve]
    chance = _down(1 / label_count)
    levels = [
        child
        for value in (0.0, 0.5, 1.0)
        for child in (
            tag("line", class_="grid", x1=LEFT, x2=WIDTH, y1=_down(value), y2=_down(value)),
            tag("text", f"{value:.0%}", x=LEFT - 6, y=_down(value) + 4, text_anchor="end"),
        )
    ]
    points = [
        child
        for (segments, top1), (x, y) in zip(curve, places, strict=True)
        for child in (
            tag("circle", tag("title", f"{segments} segments: {top1:.0%}"), cx=x, cy=y, r=4),
            tag("text", format_number(segments, 1), x=x, y=HEIGHT - 4, text_anchor="middle"),
        )
    ]
    line = tag("polyline", points=" ".join(f"{x:.1f},{y:.1f}" for x, y in places))
    guess = tag("line", tag("title", "by chance"), class_="chance", x1=LEFT, x2=WIDTH, y1=chance, y2=chance)
    words = "; ".join(f"{segments} segments: {top1:.0%}" for segments, top1 in curve)
    svg = tag(
        "svg",
        *levels,
        guess,
        line,
        *points,
        viewBox=f"0 -8 {WIDTH + 16} {HEIGHT + 8}",
        role="img",
        aria_label=f"Accuracy by labelled segments learned: {words}",
    )
    return tag("figure", svg, tag("figcaption", describe_curve(curve)), class_="curve")


def describe_curve(curve: Curve) -> str:
    """What the curve says of more labels, in sentences."""
    (_, before), (segments, last) = curve[-2], curve[-1]
    lead = f"Learned from {segments} labelled segments, {last:.0%} of the segments of other videos are named rightly. "
    if last - before > RISE:
        return lead + "The curve still rises: more labels will help."
    return lead + "The curve is level: more labels of the same kind will help little; other labels or films may."


def _across(segments: int, most: int) -> float:
    return LEFT + 12 + (WIDTH - LEFT - 24) * segments / most


def _down(share: float) -> float:
    return (HEIGHT - BOTTOM) * (1 - share)
