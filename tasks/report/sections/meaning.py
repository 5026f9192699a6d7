"""What means the same in two frames: parts joined, semantic flow beside optical flow, and regions by name."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from tasks.arrays import Image
from tasks.geometry.flow_colour import flow_to_rgb
from tasks.geometry.flow_colour import render_colour_legend as colour_disc
from tasks.geometry.match_rendering import AGREEMENT_COLOURS, UNKNOWN_GREY, agreement_to_rgb
from tasks.report.colours import css
from tasks.report.comparison import Comparison, compare
from tasks.report.dossier import Dossier
from tasks.report.markup import Markup, join, tag
from tasks.report.movement import mean
from tasks.report.pairs import Choice, telling, widest
from tasks.report.parts import joined
from tasks.report.picture import cells, data_uri, jpeg
from tasks.report.region_table import region_table
from tasks.report.regions import Same, TrackOf, Verdict, same_regions, verdict
from tasks.report.section import Section, nothing
from tasks.report.words import DASH, clock, count

TITLE = "What means the same"
DISC_PX, DISC_SHOWN_PX = 112, 56  # sharp on screens with two dots to a pixel
DIMMED = np.float32(0.4)  # of the brightness, as where optical flow could not be verified
MOST_ROWS, MOST_SPLIT = 60, 12  # of the table: in the pairs shown, and where the tracker says otherwise


def meaning(dossier: Dossier) -> Section | None:
    """Pairs, what their colours mean, and the table; None where the parameters ask for none."""
    if not dossier.params.matched_pairs:
        return None
    choice = widest(dossier.semantic_flow, dossier.dense_flow.cut)
    if not len(choice.usable):
        return Section("meaning", TITLE, "", nothing(_why_nothing(dossier, choice)))
    track_of = TrackOf.read(dossier.tracks, len(dossier.detections))
    pairs = [
        (compare(dossier.semantic_flow, dossier.dense_flow, row), _regions_of(dossier, row, track_of))
        for row in telling(dossier.semantic_flow, choice.usable, dossier.params.matched_pairs)
    ]
    over = np.flatnonzero(dossier.matches.frame_b - dossier.matches.frame_a == choice.stride)
    says = verdict(dossier.matches, over, track_of)
    groups = [
        ("In the pairs above", [one for _, same in pairs for one in same][:MOST_ROWS]),
        (
            "Anywhere in the video, where the tracker sees two: most alike first",
            same_regions(dossier.matches, says.split[:MOST_SPLIT], track_of),
        ),
    ]
    parts = [
        *(_pair(dossier, found, same) for found, same in pairs),
        _legend(),
        region_table(dossier, groups),
        tag("p", _in_all(len(over), says), class_="more"),
    ]
    return Section("meaning", TITLE, sentence(dossier, choice), join(parts))


def sentence(dossier: Dossier, choice: Choice) -> str:
    """How much was matched, how it agrees with optical flow, and what was left out, in words."""
    pairs = [dossier.semantic_flow.pairs[row] for row in choice.usable]
    mutual = mean(np.array([pair.mutual_share for pair in pairs], np.float64))
    agrees = mean(np.array([math.nan if pair.agreement is None else pair.agreement for pair in pairs], np.float64))
    later = count(choice.stride, "frame")
    said = f"Of all cells, {mutual:.0%} and their matches {later} later are each other's best"
    if np.isfinite(agrees):
        said += f"; agreement with optical flow is {agrees:.2f} on average (1: the same, 0.5: a cell apart)"
    left_out = [
        (int(choice.missing.sum()), "with a damaged or lost frame"),
        (int((choice.apart & ~choice.missing).sum()), "where the scene changes in between"),
    ]
    why = ", ".join(f"{amount} {reason}" for amount, reason in left_out if amount)
    return f"{said}." + (f" Left out of {count(len(choice.every), 'pair')}: {why}." if why else "")


def _why_nothing(dossier: Dossier, choice: Choice) -> str:
    if not choice.stride:
        frames = len(dossier.frames)
        few = {0: "there are none", 1: "there is one"}.get(frames, f"the {frames} frames here are too few")
        return f"To find what means the same takes two frames, at the distance that was asked for, and {few}."
    if (choice.apart & ~choice.missing).any():
        return "Between any two frames that were matched the scene changes, or one is not whole: nothing to compare."
    return "Of any two frames that were to be matched one did not come out whole, so there is nothing to compare."


def _pair(dossier: Dossier, found: Comparison, same: list[Same]) -> Markup:
    """One pair: the parts joined, and three small fields with their figures."""
    frames = dossier.frames
    a, b = (clock(float(dossier.edges_s[frame]), 0.1) for frame in (found.frame_a, found.frame_b))
    lines = joined(
        (frames.image(found.frame_a), frames.image(found.frame_b)),
        found,
        same,
        f"Frames {found.frame_a} and {found.frame_b} beside each other, parts that mean the same joined by lines",
    )
    fields = [
        _field(found, semantic_colours(found), "Semantic flow"),
        _field(found, optical_colours(found), "Optical flow"),
        _field(found, agreement_to_rgb(found.agreement), "Agreement"),
    ]
    button = tag(
        "button",
        lines,
        tag("span", a, class_="when"),
        tag("span", b, class_="when later"),
        type="button",
        data_t=f"{float(dossier.edges_s[found.frame_a]):.4f}",
        aria_label=f"Go to {a}, frame {found.frame_a}, matched with frame {found.frame_b} at {b}",
    )
    return tag("div", button, tag("div", *fields, _figures(found), class_="fields"), class_="pair")


def semantic_colours(found: Comparison) -> Image:
    """(h, w, 3) a colour per cell, dimmed where the match is not sure."""
    brightness = np.where(found.sure, np.float32(1), DIMMED)[..., None]
    return (flow_to_rgb(found.semantic, found.scale_px) * brightness).astype(np.uint8)


def optical_colours(found: Comparison) -> Image:
    """(h, w, 3) a colour per cell, grey where optical flow lost the point."""
    known = np.isfinite(found.optical[..., :1])
    return np.where(known, flow_to_rgb(found.optical, found.scale_px), np.uint8(UNKNOWN_GREY))


def _field(found: Comparison, colours: NDArray[np.uint8], name: str) -> Markup:
    alt = f"{name} of frame {found.frame_a} to {found.frame_b}"
    width, height = (
        round(n * step) for n, step in ((found.grid.columns, found.grid.step_x), (found.grid.rows, found.grid.step_y))
    )
    return tag("figure", cells(colours, width, height, alt), tag("figcaption", name))


def _figures(found: Comparison) -> Markup:
    facts = [
        ("Full colour", f"{found.scale_px:g} px"),
        ("Sure", f"{found.sure.mean():.0%} of the cells"),
        ("Agree within a cell", f"{found.together:.0%}" if np.isfinite(found.together) else DASH),
    ]
    return tag("dl", *(tag("div", tag("dt", term), tag("dd", fact)) for term, fact in facts))


def _legend() -> Markup:
    disc = tag("img", src=data_uri(jpeg(colour_disc(DISC_PX))), width=DISC_SHOWN_PX, height=DISC_SHOWN_PX, alt="")
    low, middle, high = (css((int(r), int(g), int(b))) for r, g, b in AGREEMENT_COLOURS)
    ramp = tag("i", class_="ramp", style=f"background:linear-gradient(90deg,{low},{middle},{high})", aria_hidden="true")
    flows = (
        "Flow: colour is direction, as on the disc, its strength is distance; dimmed where a match is not sure, grey "
        "where optical flow lost the point."
    )
    agrees = tag("span", "Agreement: far apart ", ramp, " the same; white is a cell apart.", class_="scale")
    lines = "Boxes and lines have the colours of their tracks; white ones belong to none."
    return tag("div", disc, tag("p", flows, " ", agrees, " ", lines), class_="wheel")


def _regions_of(dossier: Dossier, row: int, track_of: TrackOf) -> list[Same]:
    pair, matches = dossier.semantic_flow.pairs[row], dossier.matches
    rows = np.flatnonzero((matches.frame_a == pair.frame_a) & (matches.frame_b == pair.frame_b))
    return same_regions(matches, rows, track_of)


def _in_all(amount: int, says: Verdict) -> str:
    """What all region matches over the distance shown say of the tracker."""
    if not amount:
        return "No region was matched over this distance: nothing was detected in both frames of any pair."
    said = f"{count(amount, 'region match', 'region matches')} over this distance in the whole video"
    tracked = f"; of {says.tracked} between tracked regions, the tracker too takes {says.one} for one thing"
    return f"{said}{tracked if says.tracked else ''}."
