"""Gallery of tracks: the crop of each at its best-scoring frame, in descending order of duration."""

from __future__ import annotations

import cv2
import numpy as np

from tasks.arrays import Image
from tasks.report.charts import render_swatch
from tasks.report.colours import track_colour
from tasks.report.formatting import format_clock, format_count, format_duration
from tasks.report.inline_images import encode_jpeg, make_data_uri, shrink_image
from tasks.report.markup import Markup, join, tag
from tasks.report.report_data import ReportData
from tasks.report.section import Section
from tasks.report.track_summary import TrackSummary

SIDE_PX = 168
CROP_FACTOR = 1.3  # side of the crop, relative to the box's longer side
MIN_CROP_PX = 40  # of the frame; smaller crops are only blur


def make_track_gallery(data: ReportData) -> Section | None:
    """The gallery, or None without tracks in whole frames or where the parameters ask for none."""
    most = data.params.portraits
    # Tracks whose best-scoring frame is damaged have no crop.
    shown = [summary for summary in data.track_summaries if data.frames.ok[data.tracks.frame[summary.best_row]]][:most]
    if not shown:
        return None
    cards = {summary.track_id: _card(data, summary) for summary in sorted(shown, key=lambda summary: summary.best_s)}
    more = len(data.track_summaries) - len(shown)
    body = join(
        [
            tag("div", *(cards[summary.track_id] for summary in shown), class_="portraits"),
            tag("p", f"and {format_count(more, 'more track')}, all of them in the Parquet file", class_="more")
            if more
            else Markup(),
        ]
    )
    return Section(
        anchor="longest",
        title="Who and what",
        lead="Each track at its best-scoring frame, longest tracks first.",
        body=body,
    )


def _card(data: ReportData, summary: TrackSummary) -> Markup:
    image = render_portrait(
        data.frames.image(int(data.tracks.frame[summary.best_row])),
        data.tracks.xyxy[summary.best_row],
        track_colour(summary.track_id),
    )
    name = f"{summary.class_name} {summary.track_id}"
    return tag(
        "button",
        tag("img", src=make_data_uri(encode_jpeg(image)), width=SIDE_PX, height=SIDE_PX, alt="", loading="lazy"),
        tag("b", render_swatch(data.slots[summary.class_id]), name),
        tag("span", f"{format_duration(summary.present_s)} · from {format_clock(summary.first_s)}"),
        type="button",
        data_t=f"{summary.best_s:.4f}",
        data_track=summary.track_id,
        aria_label=(
            f"{name}, {format_duration(summary.present_s)}: go to its best frame at {format_clock(summary.best_s, 0.1)}"
        ),
    )


def render_portrait(image: Image, xyxy: np.ndarray, colour: tuple[int, int, int]) -> Image:
    """A square crop of `image` around a box, with the box drawn, SIDE_PX on each side."""
    height, width = image.shape[:2]
    x1, y1, x2, y2 = (float(v) for v in xyxy)
    side = round(min(max((max(x2 - x1, y2 - y1)) * CROP_FACTOR, MIN_CROP_PX), width, height))
    left = round(min(max((x1 + x2 - side) / 2, 0), width - side))
    top = round(min(max((y1 + y2 - side) / 2, 0), height - side))
    cut = shrink_image(image[top : top + side, left : left + side].copy(), SIDE_PX)
    scale = SIDE_PX / side
    if cut.shape[0] < SIDE_PX:
        cut = cv2.resize(cut, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_CUBIC)
    corners = [(round((x - left) * scale), round((y - top) * scale)) for x, y in ((x1, y1), (x2, y2))]
    return cv2.rectangle(cut, corners[0], corners[1], colour, 2).astype(np.uint8, copy=False)
