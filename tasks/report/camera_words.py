"""How fast the camera moves, and what that means for speeds, in words."""

from __future__ import annotations

import numpy as np

from tasks.artifacts.dense_flow import DenseFlow
from tasks.report.formatting import format_number
from tasks.report.middle_samples import pick_middles
from tasks.report.motion_stats import camera_speeds

MAX_PAIRS = 300
STILL_PX = 0.5
"""Pixels of the working size per pair of frames, below which the estimate of a camera at rest stays."""
TRIPOD_PX = 0.1
"""The same where nothing but noise is estimated: .03 on a tripod (`walk`), .33 from a slow tram (`market_street`)."""


def median_camera_speed(flow: DenseFlow, first: int, stop: int) -> float:
    """Median speed of the camera over the frames first..stop - 1, pixels per pair of frames; NaN where never known."""
    pairs = np.arange(first, stop - 1)
    pairs = pairs[flow.known[pairs] & (flow.camera_inliers[pairs] > 0)]
    if not len(pairs):
        return float("nan")
    pairs = pick_middles(pairs, MAX_PAIRS)
    speeds = camera_speeds(flow.cameras[pairs], flow.height, flow.width)
    known = speeds[np.isfinite(speeds)]
    return float(np.median(known)) if len(known) else float("nan")


def describe_camera(flow: DenseFlow, first: int, stop: int) -> str:
    """Whether speeds of a shot without the camera's motion can be trusted, as a sentence."""
    speed = median_camera_speed(flow, first, stop)
    if not np.isfinite(speed):
        return "The camera's motion is not known here: it is not taken out."
    if speed <= TRIPOD_PX:
        return "The camera stands still, so there is nothing to take out."
    pace = f"{format_number(speed, 2)} px per frame"
    if speed <= STILL_PX:
        return f"The camera moves little, if at all: by {pace} (median), which is taken out."
    return (
        f"In this shot the camera moves by {pace} (median). Its motion, estimated from the background, is taken out; "
        "the errors add up from frame to frame, so distances far below the camera's own way are unsure, and those over "
        "minutes too."
    )


def describe_hip_speeds(flow: DenseFlow, frames: int) -> str | None:
    """What the camera does to speeds in the picture, as a sentence; None where it stands still or is not known."""
    speed = median_camera_speed(flow, 0, frames)
    if not speed > STILL_PX:
        return None
    return (
        f"The camera moves ({format_number(speed, 2)} px per frame, median of the film), and hip speeds are those in "
        "the picture: somebody whom the camera goes along with seems to stand. Base speeds, below, are without its "
        "motion."
    )
