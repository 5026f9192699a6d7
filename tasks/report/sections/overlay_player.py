"""The overlay video, with steps and speeds for people who look closely."""

from __future__ import annotations

import numpy as np

from tasks.artifacts.report import Report
from tasks.report.dossier import Dossier
from tasks.report.markup import join, tag
from tasks.report.overlay.film import picture_of
from tasks.report.picture import data_uri, jpeg
from tasks.report.section import Section
from tasks.report.words import TIMES

SPEEDS = (("¼", 0.25), ("½", 0.5), ("1", 1.0), ("2", 2.0))
BACK, ON = "\u2039", "\u203a"  # single angle quotation marks: small arrows in every font


def overlay_player(dossier: Dossier) -> Section | None:
    """The player, or None where there is no overlay video."""
    if not dossier.has_overlay:
        return None
    poster = picture_of(dossier, fullest(dossier))
    height, width = poster.shape[:2]
    video = tag(
        "video",
        src=Report.OVERLAY,
        poster=data_uri(jpeg(poster)),
        controls=True,
        playsinline=True,
        muted=True,
        preload="metadata",
        width=width,
        height=height,
        aria_label=f"{dossier.video} with boxes, names and trails",
    )
    close = tag("button", TIMES, type="button", class_="undock", aria_label="Put the video back")
    steps = [
        tag("button", text, type="button", data_step=f"{sign / dossier.fps:.6f}", aria_label=meaning, title=hint)
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
        title="What was seen",
        lead="Colours belong to tracks. A dashed box was filled in by the tracker; the line behind it is where its "
        "centre has just been.",
        body=body,
        width="wide",
    )


def fullest(dossier: Dossier) -> int:
    """The whole frame with most tracks in it, the first of them; the middle one where none is whole or has any."""
    present = np.bincount(dossier.tracks.frame, minlength=len(dossier.frames)) * dossier.frames.ok
    return int(present.argmax()) if present.any() else len(dossier.frames) // 2
