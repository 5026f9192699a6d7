"""Images of frames as buttons: a click moves the film to the time of the frame (page.js)."""

from __future__ import annotations

from tasks.report.formatting import format_clock
from tasks.report.markup import Child, Markup, tag
from tasks.report.report_data import ReportData


def render_frame_button(data: ReportData, frame: int, *images: Child, subject: str = "", badge: Child = None) -> Markup:
    """`images` with the time of `frame` and a `badge`; `subject` ends the label for screen readers."""
    time_s = float(data.edges_s[frame])
    when = format_clock(time_s, 0.1)
    return tag(
        "button",
        *images,
        tag("span", when, class_="when"),
        badge,
        type="button",
        data_t=f"{time_s:.4f}",
        aria_label=f"Go to {when}, frame {frame}{subject}",
    )
