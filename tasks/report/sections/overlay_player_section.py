"""Player of the overlay video, with single steps and playback speeds."""

from __future__ import annotations

import numpy as np

from tasks.artifacts.report import Report
from tasks.report.formatting import TIMES
from tasks.report.inline_images import encode_jpeg, make_data_uri
from tasks.report.markup import join, tag
from tasks.report.overlay.overlay_video import render_frame
from tasks.report.report_data import ReportData
from tasks.report.section import Section

SPEEDS = (("¼", 0.25), ("½", 0.5), ("1", 1.0), ("2", 2.0))
BACK, ON = "\u2039", "\u203a"  # single angle quotation marks: small arrows in every font


def make_overlay_player_section(data: ReportData) -> Section | None:
    """The player, or None where there is no overlay video."""
    if not data.has_overlay:
        return None
    poster = render_frame(data, find_fullest_frame(data))
    height, width = poster.shape[:2]
    video = tag(
        "video",
        src=Report.OVERLAY,
        poster=make_data_uri(encode_jpeg(poster)),
        controls=True,
        playsinline=True,
        muted=True,
        preload="metadata",
        width=width,
        height=height,
        aria_label=f"{data.video} with boxes, names and trails",
    )
    close = tag("button", TIMES, type="button", class_="undock", aria_label="Put the video back")
    steps = [
        tag("button", text, type="button", data_step=f"{sign / data.fps:.6f}", aria_label=meaning, title=hint)
        for text, sign, meaning, hint in (
            (f"{BACK} frame", -1, "One frame back", "One frame back (,)"),
            (f"frame {ON}", 1, "One frame on", "One frame on (.)"),
        )
    ]
    speeds = [
        tag(
            "button", text + TIMES, type="button", data_speed=str(speed), aria_pressed="true" if speed == 1 else "false"
        )
        for text, speed in SPEEDS
    ]
    body = join(
        [
            tag("div", tag("div", video, close, class_="dock"), class_="screen", style=f"--ratio:{width} / {height}"),
            tag(
                "div",
                tag("div", *steps, class_="buttons"),
                tag("div", *speeds, class_="buttons", role="group", aria_label="Speed"),
                class_="controls",
            ),
        ]
    )
    return Section(
        anchor="overlay",
        title="Overlay video",
        lead="Each track has a colour. Dashed boxes are interpolated; the line behind a box is the recent path of its "
        "centre.",
        body=body,
        width="wide",
    )


def find_fullest_frame(data: ReportData) -> int:
    """The first undamaged frame with the most tracks; the middle frame where none has any."""
    present = np.bincount(data.tracks.frame, minlength=len(data.frames)) * data.frames.ok
    return int(present.argmax()) if present.any() else len(data.frames) // 2
