"""What is where: frames with their label maps laid over them, and how much of the picture each class takes."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from tasks.artifacts.semantic_field import FieldMap, SemanticField
from tasks.report.axis import round_above
from tasks.report.dossier import Dossier
from tasks.report.field_paint import Paint, paint
from tasks.report.markup import Markup, join, tag
from tasks.report.picture import data_uri, jpeg, shrink
from tasks.report.plot import percent, time_plot
from tasks.report.section import Section, nothing
from tasks.report.spread import spread
from tasks.report.words import clock, count, number

TITLE = "What is where"
LONGEST_PX = 420
PICTURES, GIVEN_PICTURES = 9, 3  # in the strip, and how many of them at most show labels that were given
MOST_STEPS = 400  # maps that the chart reads; longer videos show every n-th
HEIGHT_PX, HEADROOM_PX = 120, 18  # of the chart, and in it for the number over its top
UNITS = 1000  # the inner drawing's own width; its height is 100
LEAST_TOP = 0.02  # of the picture: a chart of less would be one of noise
WIDE_GAP = 2.5  # times the usual time from one map to the next: what lies farther apart is not joined


def field(dossier: Dossier) -> Section | None:
    """The strip, the names and the chart; the field's own reason where it has no maps, None without a field."""
    found = dossier.semantic_field
    if found is None:
        return None
    if not len(found):
        return Section("field", TITLE, "", nothing(why_nothing(found)))
    paints = dossier.field_paints
    rows = spread(np.arange(len(found)), MOST_STEPS)
    shares = np.stack([shares_of(found, int(row)) for row in rows])
    pictures = [_picture(dossier, found.map(int(row)), paints) for row in chosen(found.given)]
    strip = tag(
        "div", *pictures, class_="strip fieldmaps", tabindex="0", role="group", aria_label="Label maps over time"
    )
    return Section(
        "field",
        TITLE,
        sentence(found),
        join([strip, _legend(found, paints, shares), _chart(dossier, found, paints, rows, shares), _note(found)]),
    )


def why_nothing(found: SemanticField) -> str:
    """The field's reason as a sentence."""
    reason = found.metadata.reason or "no frame has one"
    return f"There are no label maps: {reason}."


def sentence(found: SemanticField) -> str:
    """How many maps, where their labels come from, and how sure they are."""
    given = int(found.given.sum())
    whose = {"user": "a person labelled", "tracks": "tracks labelled"}.get(found.metadata.source, "were labelled")
    said = f"{count(len(found), 'label map')}, found from the {count(given, 'frame')} that {whose}"
    guessed = found.mean_confidence[~found.given]
    if len(guessed):
        said += f"; confidence elsewhere is {guessed.mean(dtype=np.float64):.2f} on average"
    foretold = found.metrics.get("foretold mIoU", float("nan"))
    if np.isfinite(foretold):
        said += f". Labelled frames foretell each other with an overlap of {foretold:.2f} (1: all of it)"
    return f"{said}."


def chosen(given: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Rows to be shown, in order: some that were given, evenly spread, and more that were found."""
    shown = spread(np.flatnonzero(given), GIVEN_PICTURES)
    return np.sort(np.concatenate([shown, spread(np.flatnonzero(~given), PICTURES - len(shown))]))


def shares_of(found: SemanticField, row: int) -> NDArray[np.float64]:
    """(c,) share of the picture that each class takes."""
    label = found.map(row).label
    return np.bincount(label.ravel(), minlength=len(found.metadata.classes)) / label.size


def _picture(dossier: Dossier, found: FieldMap, paints: tuple[Paint, ...]) -> Markup:
    time_s = float(dossier.edges_s[found.frame])
    when = clock(time_s, 0.1)
    image = shrink(dossier.frames.image(found.frame), LONGEST_PX)
    seen = paint(image, found.label, found.confidence, paints)
    height, width = seen.shape[:2]
    alt = f"Label map of frame {found.frame}"
    return tag(
        "button",
        tag("img", src=data_uri(jpeg(seen)), width=width, height=height, alt=alt, loading="lazy"),
        tag("span", when, class_="when"),
        tag("span", "given", class_="badge") if found.given else None,
        type="button",
        data_t=f"{time_s:.4f}",
        aria_label=f"Go to {when}, frame {found.frame}, its label map {'given' if found.given else 'found'}",
    )


def _legend(found: SemanticField, paints: tuple[Paint, ...], shares: NDArray[np.float64]) -> Markup:
    names = [
        tag("span", one.swatch, one.name, " ", tag("small", f"{share:.0%}" if share >= 0.005 else "<1%"))
        for one, share in zip(paints[1:], shares.mean(axis=0)[1:], strict=True)
    ]
    rest = tag("span", f"not painted: {found.metadata.classes[0].name}", class_="rest")
    return tag("p", *names, rest, class_="legend wrapped")


def _chart(
    dossier: Dossier,
    found: SemanticField,
    paints: tuple[Paint, ...],
    rows: NDArray[np.intp],
    shares: NDArray[np.float64],
) -> Markup:
    frames = found.frames[rows]
    top = round_above(max(float(shares[:, 1:].sum(axis=1).max()), LEAST_TOP))
    places = (dossier.edges_s[frames] + dossier.edges_s[frames + 1]) / 2 / dossier.span_s * UNITS
    heights = 100 * (1 - np.cumsum(np.column_stack([np.zeros(len(rows)), shares[:, 1:]]), axis=1) / top)
    takes = np.concatenate([[0], np.cumsum(dossier.dense_flow.cut)])[frames]
    runs = joined(places, takes)
    layers = [
        tag("path", d=band(places, heights[:, k - 1], heights[:, k], runs), class_=one.slot_class, style=one.style)
        for k, one in enumerate(paints)
        if k
    ]
    given = dossier.edges_s[found.frames[found.given]] / dossier.span_s * UNITS
    inner = tag(
        "svg",
        *layers,
        tag("path", d="".join(f"M{x:.4g} 96V100" for x in given), class_="marks"),
        x="0",
        y=HEADROOM_PX,
        width="100%",
        height=HEIGHT_PX - HEADROOM_PX,
        viewBox=f"0 0 {UNITS} 100",
        preserveAspectRatio="none",
        overflow="visible",
        class_="stack",
    )
    edges = [tag("line", class_="floor", x1="0", x2=percent(1), y1=y, y2=y) for y in (HEADROOM_PX, HEIGHT_PX)]
    unit = tag("text", f"{number(100 * top, 2)}% of the picture", class_="tick", x="0", dx=6, y=HEADROOM_PX - 5)
    means = ", ".join(f"{one.name} {share:.0%}" for one, share in zip(paints[1:], shares.mean(axis=0)[1:], strict=True))
    return time_plot(dossier, HEIGHT_PX, f"Share of the picture over time: {means}", [*edges, inner, unit])


def joined(places: NDArray[np.float64], takes: NDArray[np.intp]) -> list[slice]:
    """Neighbours that a band may run through: of one take, and not much farther apart than is usual."""
    steps = np.diff(places)
    apart = np.diff(takes) != 0
    if len(steps):
        apart |= steps > WIDE_GAP * np.median(steps)
    edges = [0, *(np.flatnonzero(apart) + 1).tolist(), len(places)]
    return [slice(a, b) for a, b in pairwise(edges)]


def band(x: NDArray[np.float64], low: NDArray[np.float64], high: NDArray[np.float64], runs: list[slice]) -> str:
    """The area between two curves as an SVG path, a piece for each run; a point alone is a thin bar."""
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
        f"Maps of {found.metadata.width} by {found.metadata.height}. The stronger the colour, the surer; hatched where "
        "it is little more than a guess. Ticks below the chart are frames whose labels were given."
    )
    return tag("p", words, order(found), class_="more")


def order(found: SemanticField) -> str | None:
    """What hides what, as far as it was seen; None where nothing met, or where it makes no sense.

    An order that puts something behind the background was read off flow that is wrong at outlines.
    """
    known = np.flatnonzero(np.isfinite(found.nearness))
    if len(known) < 2 or found.nearness[0] > np.nanmin(found.nearness):  # an order takes two
        return None
    names = [found.metadata.classes[number].name for number in known[np.argsort(found.nearness[known], kind="stable")]]
    return f" By what hides what, from far to near: {', '.join(names)}."
