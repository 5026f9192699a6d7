"""The area of a chart that holds its curves: an inner SVG that stretches to any width, its edges and its top value."""

from __future__ import annotations

from collections.abc import Sequence

from tasks.report.charts import format_percent
from tasks.report.markup import Child, Markup, tag

UNITS = 1000  # the inner drawing's own width; its height is 100
HEADROOM_PX = 18  # above the area, for the value of its upper edge


def render_plot_area(drawn: Sequence[Child], top: str, height_px: int, class_: str | None = None) -> list[Markup]:
    """Layers of a chart of `height_px`: both edges, `drawn` in UNITS x 100 from the upper left, and the text `top`."""
    inner = tag(
        "svg",
        *drawn,
        x="0",
        y=HEADROOM_PX,
        width="100%",
        height=height_px - HEADROOM_PX,
        viewBox=f"0 0 {UNITS} 100",
        preserveAspectRatio="none",
        overflow="visible",
        class_=class_,
    )
    edges = [tag("line", class_="floor", x1="0", x2=format_percent(1), y1=y, y2=y) for y in (HEADROOM_PX, height_px)]
    return [*edges, inner, tag("text", top, class_="tick", x="0", dx=6, y=HEADROOM_PX - 5)]
