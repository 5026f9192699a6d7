"""Charts of a comparison as inline SVG: the distributions of a column in two versions, and counts before and after."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from flows.versions.diff_text import format_value
from flows.versions.table_change import ColumnChange

if TYPE_CHECKING:
    from markupsafe import Markup

WIDTH_PX, HEIGHT_PX = 180, 36


def draw_distributions(column: ColumnChange) -> Markup:
    """Both histograms over one range, before as a line and after as an area; their ends are written below."""
    from tasks.report.markup import tag

    most = max(*column.histograms[0], *column.histograms[1], 1e-9)
    before, after = (_trace_steps([share / most for share in one]) for one in column.histograms)
    low, high = (f"{end:.3g}" for end in column.span)
    return tag(
        "span",
        tag(
            "svg",
            tag("polygon", points=f"0,{HEIGHT_PX} {after} {WIDTH_PX},{HEIGHT_PX}", class_="after"),
            tag("polyline", points=before, class_="before"),
            viewBox=f"0 -1 {WIDTH_PX} {HEIGHT_PX + 2}",
            role="img",
            aria_label=f"{column.name} from {low} to {high}, before as a line, after as an area",
        ),
        tag("small", tag("span", low), tag("span", high)),
        class_="spread",
    )


def draw_counts(classes: Mapping[str, tuple[int, int]]) -> Markup:
    """A row for each class or label with two bars, rows before and after, the largest changes first."""
    from tasks.report.markup import tag

    most = max((max(pair) for pair in classes.values()), default=1)
    ordered = sorted(classes.items(), key=lambda item: (-abs(item[1][1] - item[1][0]), item[0]))
    rows = [
        tag(
            "li",
            tag("span", name, class_="name"),
            tag(
                "span",
                *(
                    tag("i", style=f"width:{100 * count / most:.1f}%", class_=which, aria_hidden="true")
                    for count, which in zip(pair, ("before", "after"), strict=True)
                ),
                class_="bars",
            ),
            tag("span", f"{format_value(pair[0])} → {format_value(pair[1])}", class_="count"),
        )
        for name, pair in ordered
    ]
    return tag("ul", *rows, class_="counts")


def _trace_steps(shares: Sequence[float]) -> str:
    """Points of a step line through bins of shares 0..1, left to right, y downwards."""
    side = WIDTH_PX / len(shares)
    corners = [(edge, HEIGHT_PX * (1 - share)) for n, share in enumerate(shares) for edge in (n * side, (n + 1) * side)]
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in corners)
