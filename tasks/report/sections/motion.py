"""What moves: moments in the colours of their flow, and the picture's speed over time with the camera's share of it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tasks.arrays import Image
from tasks.geometry.flow_colour import flow_to_rgb
from tasks.geometry.flow_colour import render_colour_legend as colour_disc
from tasks.report.axis import round_above
from tasks.report.dossier import Dossier
from tasks.report.markup import Markup, join, tag
from tasks.report.movement import Movement, mean, movement
from tasks.report.picture import data_uri, jpeg, shrink
from tasks.report.plot import percent, time_plot
from tasks.report.section import Section, nothing
from tasks.report.spread import spread
from tasks.report.words import clock, count, number

LONGEST_PX = 360
DISC_PX, DISC_SHOWN_PX = 112, 56  # sharp on screens with two dots to a pixel
DIMMED = np.float32(0.4)  # of the brightness: darker than vectors beyond the scale, hue still there
HEIGHT_PX = 104
HEADROOM_PX = 18  # for the number over the highest line
UNITS = 1000  # the inner drawing's own width, and the finest place of a cut; its height is 100
LEAST_SAID_PX = 0.1  # a motion below it is no figure to rely on


def motion(dossier: Dossier) -> Section:
    """Moments, what their colours mean, and the curve; a sentence where there is no flow."""
    flow = dossier.dense_flow
    if not flow.known.any():
        return Section("motion", "How it moves", "", nothing(_why_nothing(dossier)))
    found = movement(flow)
    some = len(found.pairs) < int(flow.known.sum())
    parts = [
        _moments(dossier, found.scale_px),
        _chart(dossier, found),
        _chart_legend(dossier),
        tag("p", f"Speeds are of {len(found.pairs)} pairs of frames, evenly spaced over the video.", class_="more")
        if some
        else None,
    ]
    return Section("motion", "How it moves", sentence(dossier, found), join(parts))


def sentence(dossier: Dossier, found: Movement) -> str:
    """Cuts, the camera, and how much of the flow may be trusted, in words."""
    flow = dossier.dense_flow
    cuts = int(flow.cut.sum())
    speed = mean(found.camera_px)
    if np.isnan(speed):
        camera = "what the camera does could not be told"
    elif speed < LEAST_SAID_PX:
        camera = f"the camera moves by less than {LEAST_SAID_PX:g} px a frame on average"
    else:
        camera = f"the camera moves by {number(speed, 2)} px a frame on average"
    verified = f"{mean(flow.valid_share[flow.known]):.0%} of the pixels could be verified"
    return f"{count(cuts, 'cut') if cuts else 'No cut'}; {camera}; {verified}."


def _why_nothing(dossier: Dossier) -> str:
    if not len(dossier.dense_flow):
        return "Motion takes two frames in a row, and there are none."
    if dossier.dense_flow.cut.any():
        return "No two frames in a row show the same scene and came out whole, so there is no motion to show."
    return "No two frames in a row came out whole, so there is no motion to show."


def _moments(dossier: Dossier, scale_px: float) -> Markup | None:
    pairs = spread(np.flatnonzero(dossier.dense_flow.known), dossier.params.motion_pictures)
    if not len(pairs):
        return None
    disc = tag("img", src=data_uri(jpeg(colour_disc(DISC_PX))), width=DISC_SHOWN_PX, height=DISC_SHOWN_PX, alt="")
    words = (
        f"Colour is direction, as on the disc, and its strength is speed: white keeps still, "
        f"the rim moves by {scale_px:g} px a frame, darker is faster yet. Dimmed where the flow could not be verified."
    )
    return join(
        [
            tag("div", *(_moment(dossier, int(i), scale_px) for i in pairs), class_="moments"),
            tag("div", disc, tag("p", words), class_="wheel"),
        ]
    )


def _moment(dossier: Dossier, i: int, scale_px: float) -> Markup:
    time_s = float(dossier.edges_s[i])
    when = clock(time_s, 0.1)
    flow = dossier.dense_flow
    return tag(
        "button",
        _img(dossier.frames.image(i), f"Frame {i}"),
        _img(paint(flow.forward(i), flow.valid(i), scale_px), f"Flow from frame {i} to {i + 1}"),
        tag("span", when, class_="when"),
        type="button",
        data_t=f"{time_s:.4f}",
        aria_label=f"Go to {when}, frame {i} and its motion",
    )


def _img(image: Image, alt: str) -> Markup:
    small = shrink(image, LONGEST_PX)
    height, width = small.shape[:2]
    return tag("img", src=data_uri(jpeg(small)), width=width, height=height, alt=alt, loading="lazy")


def paint(flow: NDArray[np.float32], valid: NDArray[np.bool_], scale_px: float) -> Image:
    """(h, w, 3) RGB colours of `flow`, full at `scale_px` pixels, dimmed outside `valid`."""
    brightness = np.where(valid, np.float32(1), DIMMED)[..., None]
    return (flow_to_rgb(flow, scale_px) * brightness).astype(np.uint8)


def _chart(dossier: Dossier, found: Movement) -> Markup:
    speeds = np.concatenate([found.speed_px, found.camera_px])
    top = round_above(max(float(np.nanmax(speeds, initial=0)), LEAST_SAID_PX))
    # A pair's place is where its first frame gives way to its second, so that cuts stand at their own frame's edge.
    places = dossier.edges_s[1:] / dossier.span_s * UNITS
    unknown = np.cumsum(~dossier.dense_flow.known, dtype=np.intp)[found.pairs]
    lines = [
        tag("path", d=curve(places[found.pairs], 100 * (1 - values / top), unknown), class_=kind)
        for values, kind in ((found.camera_px, "speed camera"), (found.speed_px, "speed"))
    ]
    cuts = np.unique(np.rint(places[:-1][dossier.dense_flow.cut])).astype(int)
    inner = tag(
        "svg",
        tag("path", d="".join(f"M{x} 0V100" for x in cuts), class_="cuts") if len(cuts) else None,
        *lines,
        x="0",
        y=HEADROOM_PX,
        width="100%",
        height=HEIGHT_PX - HEADROOM_PX,
        viewBox=f"0 0 {UNITS} 100",
        preserveAspectRatio="none",
        overflow="visible",
    )
    edges = [tag("line", class_="floor", x1="0", x2=percent(1), y1=y, y2=y) for y in (HEADROOM_PX, HEIGHT_PX)]
    unit = tag("text", f"{top:g} px a frame", class_="tick", x="0", dx=6, y=HEADROOM_PX - 5)
    label = f"Speed of the picture over time: {number(mean(found.speed_px), 2)} px a frame on average"
    return time_plot(dossier, HEIGHT_PX, label, [*edges, inner, unit])


def curve(x: NDArray[np.float64], y: NDArray[np.float64], run: NDArray[np.intp]) -> str:
    """A line through the points as an SVG path, broken where y is NaN or `run` changes; a point alone is a dot."""
    known = np.isfinite(y)
    joined = np.zeros(len(y) + 1, np.bool_)  # whether a line leads from the point before to this one
    joined[1:-1] = known[:-1] & known[1:] & (run[:-1] == run[1:])
    steps = [
        f"{'L' if joined[i] else 'M'}{x[i]:.5g} {y[i]:.4g}{'' if joined[i] or joined[i + 1] else 'h0'}"
        for i in np.flatnonzero(known)
    ]
    return "".join(steps)


def _chart_legend(dossier: Dossier) -> Markup:
    kinds = [("moving", "the whole picture"), ("camera", "the camera alone")]
    if dossier.dense_flow.cut.any():
        kinds.append(("cut", "cut"))
    marks = [(tag("i", class_=f"swatch {kind}", aria_hidden="true"), words) for kind, words in kinds]
    return tag("p", *(part for mark in marks for part in mark), class_="legend")
