"""Key frames: a strip of frames, evenly spaced over the undamaged ones."""

from __future__ import annotations

import numpy as np

from tasks.report.frame_button import render_frame_button
from tasks.report.inline_images import render_image, shrink_image
from tasks.report.markup import Markup, tag
from tasks.report.middle_samples import pick_middles
from tasks.report.report_data import ReportData
from tasks.report.section import Section, render_message

LONGEST_PX = 280


def make_key_frames_section(data: ReportData) -> Section | None:
    """The strip, or None where the parameters ask for no pictures."""
    if not data.params.key_frames:
        return None
    # Not the very first and last, which may be black or faded.
    chosen = pick_middles(np.flatnonzero(data.frames.ok), data.params.key_frames)
    pictures = [_picture(data, int(frame)) for frame in chosen]
    body = (
        tag("div", *pictures, class_="strip", tabindex="0", role="group", aria_label="Key frames") if pictures else None
    )
    return Section(
        "frames", "Key frames", "", body or render_message("No frame is undamaged, so there is nothing to show.")
    )


def _picture(data: ReportData, frame: int) -> Markup:
    image = shrink_image(data.frames.image(frame), LONGEST_PX)
    return render_frame_button(data, frame, render_image(image, f"Frame {frame}"))
