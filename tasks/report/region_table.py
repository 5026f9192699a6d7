"""Table of matched regions: time and name in both frames, and the similarity."""

from __future__ import annotations

from collections.abc import Sequence

from tasks.report.correspondence_svg import region_colour
from tasks.report.formatting import format_clock
from tasks.report.markup import Markup, tag
from tasks.report.named_regions import NamedRegion, RegionMatch
from tasks.report.report_data import ReportData

HEADINGS = ("time", "region", "later time", "region", "cosine similarity", "mutual best")


def render_region_table(data: ReportData, groups: Sequence[tuple[str, Sequence[RegionMatch]]]) -> Markup | None:
    """A row per match, under the heading of its group; None where there are none."""
    if not any(same for _, same in groups):
        return None
    head = tag("tr", *(tag("th", heading, scope="col") for heading in HEADINGS))
    bodies = [
        tag(
            "tbody",
            tag("tr", tag("th", title, scope="rowgroup", colspan=len(HEADINGS))),
            *(_row(data, one) for one in same),
        )
        for title, same in groups
        if same
    ]
    table = tag("table", tag("thead", head), *bodies)
    return tag("div", table, class_="scroll same", tabindex="0", role="group", aria_label="Table of region matches")


def _row(data: ReportData, one: RegionMatch) -> Markup:
    def moment(frame: int) -> Markup:
        time_s = float(data.edges_s[frame])
        label = f"Go to {format_clock(time_s, 0.01)}, frame {frame}"
        return tag(
            "td", tag("button", format_clock(time_s, 0.01), type="button", data_t=f"{time_s:.4f}", aria_label=label)
        )

    return tag(
        "tr",
        moment(one.frame_a),
        _named(one.a),
        moment(one.frame_b),
        _named(one.b),
        tag("td", f"{one.cosine:.2f}"),
        tag("td", "yes" if one.mutual else "no"),
    )


def _named(region: NamedRegion) -> Markup:
    dot = tag("i", class_="dot", style=f"background:{region_colour(region)}", aria_hidden="true")
    return tag("td", dot, region.name, class_="words")
