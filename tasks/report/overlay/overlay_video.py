"""The overlay video: every frame with skeletons, boxes, name tags and trails, at its presentation time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from tasks.arrays import Image
from tasks.report.colours import track_colour
from tasks.report.overlay.annotations import draw_caption, make_placeholder
from tasks.report.overlay.draw_boxes import draw_box
from tasks.report.overlay.drawing_canvas import Canvas
from tasks.report.overlay.encode_video import VideoEncoding, encode_video
from tasks.report.overlay.name_tags import LabelOwner, draw_tag, place_tags
from tasks.report.overlay.skeletons import draw_skeletons
from tasks.report.overlay.trails import TrackRuns, draw_trails, split_runs
from tasks.report.report_data import ReportData


def write_overlay(path: Path, data: ReportData) -> None:
    """Write the overlay video of a video with at least one frame."""
    params, canvas = data.params, Canvas(data.frames.width, data.frames.height)
    encoding = VideoEncoding(canvas.even_width, canvas.even_height, data.fps, params.crf, params.preset)
    encode_video(path, render_frames(data), data.edges_s, encoding)


def render_frames(data: ReportData) -> Iterator[Image]:
    """The picture of every frame, lost ones too."""
    paths = split_runs(data.tracks)
    last: Image | None = None
    for frame in range(len(data.frames)):
        if data.frames.status[frame] != "lost":
            last = data.frames.image(frame)
        yield _picture(data, paths, frame, last)


def render_frame(data: ReportData, frame: int) -> Image:
    """The picture of one frame alone."""
    lost = data.frames.status[frame] == "lost"
    return _picture(data, split_runs(data.tracks), frame, None if lost else data.frames.image(frame))


def _picture(data: ReportData, paths: TrackRuns, frame: int, image: Image | None) -> Image:
    frames, status = data.frames, str(data.frames.status[frame])
    if status == "lost" or image is None:
        image = make_placeholder(image, frames.height, frames.width)
    canvas = Canvas(frames.width, frames.height)
    picture = canvas.prepare_image(image)
    if data.poses is not None:
        draw_skeletons(picture, canvas, data.poses, frame)
    draw_tracks(picture, canvas, data, paths, frame)
    draw_caption(picture, canvas, frame, float(data.edges_s[frame]), status)
    return picture


def draw_tracks(picture: Image, canvas: Canvas, data: ReportData, paths: TrackRuns, frame: int) -> None:
    """Draw the tracks of one frame onto its prepared image, the nearest last."""
    tracks = data.tracks
    if data.params.trail:
        draw_trails(picture, canvas, paths, frame, data.params.trail)
    rows = np.arange(*np.searchsorted(tracks.frame, [frame, frame + 1]))
    rows = rows[np.argsort(tracks.y2[rows], kind="stable")]
    boxes = canvas.to_canvas(tracks.xyxy[rows].reshape(-1, 2)).round().astype(np.int64).reshape(-1, 4)
    bearers: list[LabelOwner] = []
    for row, box in zip(rows, boxes, strict=True):
        colour = track_colour(int(tracks.track_id[row]))
        draw_box(picture, canvas, box, colour, seen=bool(tracks.detection[row] >= 0))
        corners = (int(box[0]), int(box[1]), int(box[2]), int(box[3]))
        bearers.append(LabelOwner(int(tracks.track_id[row]), str(tracks.class_name[row]), colour, corners))
    height, width = picture.shape[:2]
    for tag in reversed(place_tags(canvas, bearers, width, height)):
        draw_tag(picture, canvas, tag)
