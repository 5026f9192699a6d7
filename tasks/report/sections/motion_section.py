"""Dense optical flow: frames in flow colours, and mean speed over time, with and without the camera's share."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tasks.arrays import Image
from tasks.artifacts.shots import TRANSITIONS
from tasks.geometry.flow_colour import flow_to_rgb
from tasks.geometry.flow_colour import render_colour_legend as colour_disc
from tasks.report.charts import render_curve, render_time_plot, round_above
from tasks.report.formatting import format_count, format_number
from tasks.report.frame_button import render_frame_button
from tasks.report.inline_images import encode_jpeg, make_data_uri, render_image, shrink_image
from tasks.report.markup import Markup, join, tag
from tasks.report.middle_samples import pick_middles
from tasks.report.motion_stats import MotionStats, finite_mean, measure_motion
from tasks.report.plot_area import UNITS, render_plot_area
from tasks.report.report_data import ReportData
from tasks.report.section import Section, render_message

LONGEST_PX = 360
DISC_PX, DISC_SHOWN_PX = 112, 56  # sharp on screens with two dots to a pixel
DIMMED = np.float32(0.4)  # of the brightness: darker than vectors beyond the scale, hue still there
HEIGHT_PX = 104
MIN_REPORTED_PX = 0.1  # a smaller motion is within the estimate's error


def make_motion_section(data: ReportData) -> Section:
    """Frames in flow colours, their legend, and the speed chart; a message where there is no flow."""
    flow = data.dense_flow
    if not flow.known.any():
        return Section("motion", "Dense optical flow", "", render_message(_explain_missing_flow(data)))
    found = measure_motion(flow)
    some = len(found.pairs) < int(flow.known.sum())
    parts = [
        _moments(data, found.scale_px),
        _chart(data, found),
        _chart_legend(data),
        tag("p", f"Speeds are of {len(found.pairs)} pairs of frames, evenly spaced over the video.", class_="more")
        if some
        else None,
    ]
    return Section("motion", "Dense optical flow", describe_motion(data, found), join(parts))


def describe_motion(data: ReportData, found: MotionStats) -> str:
    """Sentences on cuts, fades and dissolves, the camera's motion, and the share of pixels with verified flow."""
    flow = data.dense_flow
    speed = finite_mean(found.camera_px)
    if np.isnan(speed):
        camera = "the camera's motion could not be estimated"
    elif speed < MIN_REPORTED_PX:
        camera = f"the camera moves by less than {MIN_REPORTED_PX:g} px per frame on average"
    else:
        camera = f"the camera moves by {format_number(speed, 2)} px per frame on average"
    verified = f"{finite_mean(flow.valid_share[flow.known]):.0%} of the pixels could be verified"
    return f"{_count_transitions(data)}; {camera}; {verified}."


def _count_transitions(data: ReportData) -> str:
    """How many cuts, fades and dissolves there are, as the timeline shows them."""
    kinds = data.film_shots.transition.tolist()
    counts = [format_count(kinds.count(kind), kind) for kind in TRANSITIONS[1:] if kind in kinds]
    return ", ".join(counts) or "No cut"


def _explain_missing_flow(data: ReportData) -> str:
    if not len(data.dense_flow):
        return "Flow needs two consecutive frames, and there are none."
    if data.dense_flow.cut.any():
        return "No two consecutive frames are undamaged and of one scene, so there is no flow to show."
    return "No two consecutive frames are undamaged, so there is no flow to show."


def _moments(data: ReportData, scale_px: float) -> Markup | None:
    pairs = pick_middles(np.flatnonzero(data.dense_flow.known), data.params.motion_pictures)
    if not len(pairs):
        return None
    disc = tag(
        "img", src=make_data_uri(encode_jpeg(colour_disc(DISC_PX))), width=DISC_SHOWN_PX, height=DISC_SHOWN_PX, alt=""
    )
    words = (
        f"Colour is direction, as on the disc, saturation is speed: white does not move, the rim of the disc is "
        f"{scale_px:g} px per frame, darker colours are faster. Dimmed where the flow could not be verified."
    )
    return join(
        [
            tag("div", *(_moment(data, int(i), scale_px) for i in pairs), class_="moments"),
            tag("div", disc, tag("p", words), class_="wheel"),
        ]
    )


def _moment(data: ReportData, i: int, scale_px: float) -> Markup:
    flow = data.dense_flow
    return render_frame_button(
        data,
        i,
        _img(data.frames.image(i), f"Frame {i}"),
        _img(paint_flow(flow.forward(i), flow.valid(i), scale_px), f"Flow from frame {i} to {i + 1}"),
        subject=" and its motion",
    )


def _img(image: Image, alt: str) -> Markup:
    return render_image(shrink_image(image, LONGEST_PX), alt)


def paint_flow(flow: NDArray[np.float32], valid: NDArray[np.bool_], scale_px: float) -> Image:
    """(h, w, 3) RGB colours of `flow`, full at `scale_px` pixels, dimmed outside `valid`."""
    brightness = np.where(valid, np.float32(1), DIMMED)[..., None]
    return (flow_to_rgb(flow, scale_px) * brightness).astype(np.uint8)


def _chart(data: ReportData, found: MotionStats) -> Markup:
    speeds = np.concatenate([found.speed_px, found.camera_px])
    top = round_above(max(float(np.nanmax(speeds, initial=0)), MIN_REPORTED_PX))
    # A pair's position is the boundary of its two frames, so that a cut is drawn at that boundary.
    places = data.edges_s[1:] / data.span_s * UNITS
    unknown = np.cumsum(~data.dense_flow.known, dtype=np.intp)[found.pairs]
    lines = [
        tag("path", d=render_curve(places[found.pairs], 100 * (1 - values / top), unknown), class_=kind)
        for values, kind in ((found.camera_px, "speed camera"), (found.speed_px, "speed"))
    ]
    cuts = np.unique(np.rint(places[:-1][data.film_shots.boundary])).astype(int)
    cut_lines = tag("path", d="".join(f"M{x} 0V100" for x in cuts), class_="cuts") if len(cuts) else None
    area = render_plot_area([cut_lines, *lines], f"{top:g} px per frame", HEIGHT_PX)
    label = f"Mean image motion over time: {format_number(finite_mean(found.speed_px), 2)} px per frame on average"
    return render_time_plot(data, HEIGHT_PX, label, area)


def _chart_legend(data: ReportData) -> Markup:
    kinds = [("moving", "image motion"), ("camera", "camera motion")]
    if data.film_shots.boundary.any():
        kinds.append(("cut", "a shot begins"))
    marks = [(tag("i", class_=f"swatch {kind}", aria_hidden="true"), words) for kind, words in kinds]
    return tag("p", *(part for mark in marks for part in mark), class_="legend")
