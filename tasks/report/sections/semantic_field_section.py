"""Semantic field: frames with their label maps as overlay, and the area share of each class over time."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from tasks.artifacts.semantic_field import FieldMap, SemanticField
from tasks.report.charts import render_time_plot, round_above
from tasks.report.field_paint import MIN_CONFIDENCE, LabelPaint, paint_label_map
from tasks.report.formatting import format_count, format_number
from tasks.report.frame_button import render_frame_button
from tasks.report.inline_images import render_image, shrink_image
from tasks.report.markup import Markup, join, tag
from tasks.report.middle_samples import pick_middles
from tasks.report.plot_area import UNITS, render_plot_area
from tasks.report.report_data import ReportData
from tasks.report.section import Section, render_message

TITLE = "Semantic field (label maps)"
LONGEST_PX = 420
PICTURES, GIVEN_PICTURES = 9, 3  # in the strip, and how many of them at most show labels that were given
MAX_STEPS = 400  # maps that the chart reads; longer videos show every n-th
HEIGHT_PX = 120  # of the chart
MIN_TOP = 0.02  # of the picture: smaller shares are noise
WIDE_GAP = 2.5  # times the usual time from one map to the next: what lies farther apart is not joined


def make_semantic_field_section(data: ReportData) -> Section | None:
    """Label maps, legend and chart; the reason where there are no maps, None without a field."""
    found = data.semantic_field
    if found is None:
        return None
    if not len(found):
        return Section("field", TITLE, "", render_message(explain_missing_field(found)))
    paints = data.label_paints
    rows = pick_middles(np.arange(len(found)), MAX_STEPS)
    shares = np.stack([class_shares(found, int(row)) for row in rows])
    pictures = [_picture(data, found.map(int(row)), paints) for row in select_maps(found.given)]
    strip = tag(
        "div", *pictures, class_="strip fieldmaps", tabindex="0", role="group", aria_label="Label maps over time"
    )
    return Section(
        "field",
        TITLE,
        describe_field(found),
        join([strip, _legend(found, paints, shares), _chart(data, found, paints, rows, shares), _note(found)]),
    )


def explain_missing_field(found: SemanticField) -> str:
    """Why there are no label maps, as a sentence."""
    reason = found.metadata.reason or "no frame has one"
    return f"There are no label maps: {reason}."


def describe_field(found: SemanticField) -> str:
    """Number of maps, origin of their labels, and confidence, as sentences."""
    given = int(found.given.sum())
    whose = {"user": "a person labelled", "tracks": "tracks labelled"}.get(found.metadata.source, "were labelled")
    text = f"{format_count(len(found), 'label map')}, propagated from the {format_count(given, 'frame')} that {whose}"
    guessed = found.mean_confidence[~found.given]
    if len(guessed):
        text += f"; mean confidence elsewhere is {guessed.mean(dtype=np.float64):.2f}"
    held_out = found.metrics.get("foretold mIoU", float("nan"))  # the stored name of the held-out mIoU
    if np.isfinite(held_out):
        text += f". Leave-one-out over the labelled frames gives a mean IoU of {held_out:.2f}"
    return f"{text}."


def select_maps(given: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Rows to be shown, in order: some given maps, evenly spaced, and more propagated ones."""
    shown = pick_middles(np.flatnonzero(given), GIVEN_PICTURES)
    return np.sort(np.concatenate([shown, pick_middles(np.flatnonzero(~given), PICTURES - len(shown))]))


def class_shares(found: SemanticField, row: int) -> NDArray[np.float64]:
    """(c,) share of the image area of each class."""
    label = found.map(row).label
    return np.bincount(label.ravel(), minlength=len(found.metadata.classes)) / label.size


def _picture(data: ReportData, found: FieldMap, paints: tuple[LabelPaint, ...]) -> Markup:
    image = shrink_image(data.frames.image(found.frame), LONGEST_PX)
    seen = paint_label_map(image, found.label, found.confidence, paints)
    return render_frame_button(
        data,
        found.frame,
        render_image(seen, f"Label map of frame {found.frame}"),
        subject=f", its label map {'given' if found.given else 'propagated'}",
        badge=tag("span", "given", class_="badge") if found.given else None,
    )


def _legend(found: SemanticField, paints: tuple[LabelPaint, ...], shares: NDArray[np.float64]) -> Markup:
    names = [
        tag("span", one.swatch, one.name, " ", tag("small", f"{share:.0%}" if share >= 0.005 else "<1%"))  # noqa: PLR2004  rounds to 1 %
        for one, share in zip(paints[1:], shares.mean(axis=0)[1:], strict=True)
    ]
    rest = tag("span", f"not painted: {found.metadata.classes[0].name}", class_="rest")
    return tag("p", *names, rest, class_="legend wrapped")


def _chart(
    data: ReportData,
    found: SemanticField,
    paints: tuple[LabelPaint, ...],
    rows: NDArray[np.intp],
    shares: NDArray[np.float64],
) -> Markup:
    frames = found.frames[rows]
    top = round_above(max(float(shares[:, 1:].sum(axis=1).max()), MIN_TOP))
    places = (data.edges_s[frames] + data.edges_s[frames + 1]) / 2 / data.span_s * UNITS
    heights = 100 * (1 - np.cumsum(np.column_stack([np.zeros(len(rows)), shares[:, 1:]]), axis=1) / top)
    takes = data.film_shots.of_frames[frames]
    runs = split_runs(places, takes)
    layers = [
        tag("path", d=area_path(places, heights[:, k - 1], heights[:, k], runs), class_=one.slot_class, style=one.style)
        for k, one in enumerate(paints)
        if k
    ]
    given = data.edges_s[found.frames[found.given]] / data.span_s * UNITS
    marks = tag("path", d="".join(f"M{x:.4g} 96V100" for x in given), class_="marks")
    unit = f"{format_number(100 * top, 2)}% of the image"
    area = render_plot_area([*layers, marks], unit, HEIGHT_PX, class_="stack")
    means = ", ".join(f"{one.name} {share:.0%}" for one, share in zip(paints[1:], shares.mean(axis=0)[1:], strict=True))
    return render_time_plot(data, HEIGHT_PX, f"Share of the image over time: {means}", area)


def split_runs(places: NDArray[np.float64], takes: NDArray[np.intp]) -> list[slice]:
    """Slices of consecutive maps that are drawn as one band: of one shot, without gaps above WIDE_GAP median steps."""
    steps = np.diff(places)
    apart = np.diff(takes) != 0
    if len(steps):
        apart |= steps > WIDE_GAP * np.median(steps)
    edges = [0, *(np.flatnonzero(apart) + 1).tolist(), len(places)]
    return [slice(a, b) for a, b in pairwise(edges)]


def area_path(x: NDArray[np.float64], low: NDArray[np.float64], high: NDArray[np.float64], runs: list[slice]) -> str:
    """The area between two curves as an SVG path, a piece per run; a single point is a thin bar."""
    parts: list[str] = []
    for run in runs:
        at, below, above = x[run], low[run], high[run]
        if (below == above).all():
            continue
        if len(at) == 1:
            at, below, above = np.array([at[0] - 1, at[0] + 1]), below.repeat(2), above.repeat(2)
        there = "L".join(f"{a:.5g} {b:.4g}" for a, b in zip(at, above, strict=True))
        back = "L".join(f"{a:.5g} {b:.4g}" for a, b in zip(at[::-1], below[::-1], strict=True))
        parts.append(f"M{there}L{back}Z")
    return "".join(parts)


def _note(found: SemanticField) -> Markup:
    words = (
        f"Maps of {found.metadata.width} by {found.metadata.height}. The stronger the colour, the higher the "
        f"confidence; hatched where it is below {MIN_CONFIDENCE:g}. Ticks below the chart are frames whose labels were "
        "given."
    )
    return tag("p", words, describe_depth_order(found), class_="more")


def describe_depth_order(found: SemanticField) -> str | None:
    """The depth order of the classes from occlusions; None without any, or where it is not plausible.

    An order with a class behind the background comes from flow that is wrong at outlines.
    """
    known = np.flatnonzero(np.isfinite(found.nearness))
    if len(known) < 2 or found.nearness[0] > np.nanmin(found.nearness):  # noqa: PLR2004  an order needs two
        return None
    names = [found.metadata.classes[number].name for number in known[np.argsort(found.nearness[known], kind="stable")]]
    return f" Depth order by occlusion, from far to near: {', '.join(names)}."
