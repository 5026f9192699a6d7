"""Semantic correspondence of frame pairs: matched points, semantic and optical flow, and matched regions."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from tasks.arrays import Image
from tasks.geometry.flow_colour import flow_to_rgb
from tasks.geometry.flow_colour import render_colour_legend as colour_disc
from tasks.geometry.match_rendering import AGREEMENT_COLOURS, UNKNOWN_GREY, agreement_to_rgb
from tasks.report.colours import css_colour
from tasks.report.correspondence_svg import render_correspondences
from tasks.report.flow_comparison import FlowComparison, compare_flows
from tasks.report.formatting import DASH, format_clock, format_count
from tasks.report.inline_images import encode_jpeg, make_data_uri, render_cells
from tasks.report.markup import Markup, join, tag
from tasks.report.motion_stats import finite_mean
from tasks.report.named_regions import (
    DetectionTracks,
    RegionMatch,
    TrackerAgreement,
    compare_with_tracker,
    list_region_matches,
)
from tasks.report.region_table import render_region_table
from tasks.report.report_data import ReportData
from tasks.report.section import Section, render_message
from tasks.report.select_pairs import PairChoice, select_informative_pairs, select_widest_pairs

TITLE = "Semantic correspondence"
DISC_PX, DISC_SHOWN_PX = 112, 56  # sharp on screens with two dots to a pixel
DIMMED = np.float32(0.4)  # of the brightness, as where optical flow could not be verified
MAX_ROWS, MAX_SPLIT = 60, 12  # of the table: in the pairs shown, and where the tracker says otherwise


def make_semantic_flow_section(data: ReportData) -> Section | None:
    """Frame pairs, legend and table of region matches; None where the parameters ask for none."""
    if not data.params.matched_pairs:
        return None
    choice = select_widest_pairs(data.semantic_flow, data.film_shots.of_frames)
    if not len(choice.usable):
        return Section("meaning", TITLE, "", render_message(_explain_missing_pairs(data, choice)))
    track_of = DetectionTracks.from_tracks(data.tracks, len(data.detections))
    pairs = [
        (compare_flows(data.semantic_flow, data.dense_flow, row), _regions_of(data, row, track_of))
        for row in select_informative_pairs(data.semantic_flow, choice.usable, data.params.matched_pairs)
    ]
    over = np.flatnonzero(data.matches.frame_b - data.matches.frame_a == choice.stride)
    says = compare_with_tracker(data.matches, over, track_of)
    groups = [
        ("In the pairs above", [one for _, same in pairs for one in same][:MAX_ROWS]),
        (
            "Anywhere in the video, matches between different tracks: most similar first",
            list_region_matches(data.matches, says.split_rows[:MAX_SPLIT], track_of),
        ),
    ]
    parts = [
        *(_pair(data, found, same) for found, same in pairs),
        _legend(),
        render_region_table(data, groups),
        tag("p", _summarise_region_matches(len(over), says), class_="more"),
    ]
    return Section("meaning", TITLE, describe_matches(data, choice), join(parts))


def describe_matches(data: ReportData, choice: PairChoice) -> str:
    """Share of mutual matches, agreement with optical flow, and pairs left out, as sentences."""
    pairs = [data.semantic_flow.pairs[row] for row in choice.usable]
    mutual = finite_mean(np.array([pair.mutual_share for pair in pairs], np.float64))
    agrees = finite_mean(
        np.array([math.nan if pair.agreement is None else pair.agreement for pair in pairs], np.float64)
    )
    later = format_count(choice.stride, "frame")
    text = f"{mutual:.0%} of the cells and their matches {later} later are mutual nearest neighbours"
    if np.isfinite(agrees):
        text += f"; agreement with optical flow is {agrees:.2f} on average (1: equal, 0.5: one cell apart)"
    left_out = [
        (int(choice.missing.sum()), "with a damaged or lost frame"),
        (int((choice.apart & ~choice.missing).sum()), "where the scene changes in between"),
    ]
    why = ", ".join(f"{amount} {reason}" for amount, reason in left_out if amount)
    return f"{text}." + (f" Left out of {format_count(len(choice.every), 'pair')}: {why}." if why else "")


def _explain_missing_pairs(data: ReportData, choice: PairChoice) -> str:
    if not choice.stride:
        frames = len(data.frames)
        few = {0: "there are none", 1: "there is one"}.get(frames, f"the {frames} frames here are too few")
        return f"Correspondence needs two frames at the chosen stride, and {few}."
    if (choice.apart & ~choice.missing).any():
        return "Every matched pair of frames has a scene change or a damaged frame, so there is nothing to compare."
    return "Every pair of frames to be matched has a damaged or lost frame, so there is nothing to compare."


def _pair(data: ReportData, found: FlowComparison, same: list[RegionMatch]) -> Markup:
    """One pair: matched points joined by lines, and the two flows and their agreement with figures."""
    frames = data.frames
    a, b = (format_clock(float(data.edges_s[frame]), 0.1) for frame in (found.frame_a, found.frame_b))
    lines = render_correspondences(
        (frames.image(found.frame_a), frames.image(found.frame_b)),
        found,
        same,
        f"Frames {found.frame_a} and {found.frame_b} side by side, corresponding points joined by lines",
    )
    fields = [
        _field(found, colour_semantic_flow(found), "Semantic flow"),
        _field(found, colour_optical_flow(found), "Optical flow"),
        _field(found, agreement_to_rgb(found.agreement), "Agreement"),
    ]
    button = tag(
        "button",
        lines,
        tag("span", a, class_="when"),
        tag("span", b, class_="when later"),
        type="button",
        data_t=f"{float(data.edges_s[found.frame_a]):.4f}",
        aria_label=f"Go to {a}, frame {found.frame_a}, matched with frame {found.frame_b} at {b}",
    )
    return tag("div", button, tag("div", *fields, _figures(found), class_="fields"), class_="pair")


def colour_semantic_flow(found: FlowComparison) -> Image:
    """(h, w, 3) flow colour of each cell, dimmed where the match is not confident."""
    brightness = np.where(found.sure, np.float32(1), DIMMED)[..., None]
    return (flow_to_rgb(found.semantic, found.scale_px) * brightness).astype(np.uint8)


def colour_optical_flow(found: FlowComparison) -> Image:
    """(h, w, 3) a colour per cell, grey where optical flow lost the point."""
    known = np.isfinite(found.optical[..., :1])
    return np.where(known, flow_to_rgb(found.optical, found.scale_px), np.uint8(UNKNOWN_GREY))


def _field(found: FlowComparison, colours: NDArray[np.uint8], name: str) -> Markup:
    alt = f"{name} of frame {found.frame_a} to {found.frame_b}"
    width, height = (
        round(n * step) for n, step in ((found.grid.columns, found.grid.step_x), (found.grid.rows, found.grid.step_y))
    )
    return tag("figure", render_cells(colours, width, height, alt), tag("figcaption", name))


def _figures(found: FlowComparison) -> Markup:
    facts = [
        ("Full colour", f"{found.scale_px:g} px"),
        ("Confident", f"{found.sure.mean():.0%} of the cells"),
        ("Agree within a cell", f"{found.share_within_cell:.0%}" if np.isfinite(found.share_within_cell) else DASH),
    ]
    return tag("dl", *(tag("div", tag("dt", term), tag("dd", fact)) for term, fact in facts))


def _legend() -> Markup:
    disc = tag(
        "img", src=make_data_uri(encode_jpeg(colour_disc(DISC_PX))), width=DISC_SHOWN_PX, height=DISC_SHOWN_PX, alt=""
    )
    low, middle, high = (css_colour((int(r), int(g), int(b))) for r, g, b in AGREEMENT_COLOURS)
    ramp = tag("i", class_="ramp", style=f"background:linear-gradient(90deg,{low},{middle},{high})", aria_hidden="true")
    flows = (
        "Flow: colour is direction, as on the disc, saturation is distance; dimmed where a match is not confident, "
        "grey where optical flow lost the point."
    )
    agrees = tag("span", "Agreement: different ", ramp, " equal; white is one cell apart.", class_="scale")
    lines = "Boxes and lines have the colours of their tracks; white ones have no track."
    return tag("div", disc, tag("p", flows, " ", agrees, " ", lines), class_="wheel")


def _regions_of(data: ReportData, row: int, track_of: DetectionTracks) -> list[RegionMatch]:
    pair, matches = data.semantic_flow.pairs[row], data.matches
    rows = np.flatnonzero((matches.frame_a == pair.frame_a) & (matches.frame_b == pair.frame_b))
    return list_region_matches(matches, rows, track_of)


def _summarise_region_matches(amount: int, says: TrackerAgreement) -> str:
    """Sentence on the number of region matches at this stride, and how many agree with the tracker."""
    if not amount:
        return "No regions were matched at this stride: no pair has detections in both frames."
    text = f"{format_count(amount, 'region match', 'region matches')} at this stride in the whole video"
    tracked = f"; of {says.tracked} between tracked regions, {says.in_one_track} are within one track"
    return f"{text}{tracked if says.tracked else ''}."
