"""Regions that are the same, as a table: `0:01.20 person 3 is, at 0:01.47, person 5`."""

from __future__ import annotations

from collections.abc import Sequence

from tasks.report.dossier import Dossier
from tasks.report.markup import Markup, tag
from tasks.report.parts import colour
from tasks.report.regions import Region, Same
from tasks.report.words import clock

HEADINGS = ("at", "this", "is, at", "this", "cosine", "each other's best")


def region_table(dossier: Dossier, groups: Sequence[tuple[str, Sequence[Same]]]) -> Markup | None:
    """A row per match, under the heading of its group; None where there are none."""
    if not any(same for _, same in groups):
        return None
    head = tag("tr", *(tag("th", heading, scope="col") for heading in HEADINGS))
    bodies = [
        tag(
            "tbody",
            tag("tr", tag("th", title, scope="rowgroup", colspan=len(HEADINGS))),
            *(_row(dossier, one) for one in same),
        )
        for title, same in groups
        if same
    ]
    table = tag("table", tag("thead", head), *bodies)
    return tag("div", table, class_="scroll same", tabindex="0", role="group", aria_label="Table of region matches")


def _row(dossier: Dossier, one: Same) -> Markup:
    def moment(frame: int) -> Markup:
        time_s = float(dossier.edges_s[frame])
        label = f"Go to {clock(time_s, 0.01)}, frame {frame}"
        return tag("td", tag("button", clock(time_s, 0.01), type="button", data_t=f"{time_s:.4f}", aria_label=label))

    return tag(
        "tr",
        moment(one.frame_a),
        _named(one.a),
        moment(one.frame_b),
        _named(one.b),
        tag("td", f"{one.cosine:.2f}"),
        tag("td", "yes" if one.mutual else "no"),
    )


def _named(region: Region) -> Markup:
    dot = tag("i", class_="dot", style=f"background:{colour(region)}", aria_hidden="true")
    return tag("td", dot, region.name, class_="words")
