"""The overlay video: every frame with its skeletons, boxes, tags and trails, at its own time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from tasks.arrays import Image
from tasks.report.colours import track_colour
from tasks.report.dossier import Dossier
from tasks.report.overlay.boxes import draw_box
from tasks.report.overlay.canvas import Canvas
from tasks.report.overlay.marks import draw_caption, stand_in
from tasks.report.overlay.movie import Encoding, write_movie
from tasks.report.overlay.skeletons import draw_skeletons
from tasks.report.overlay.tags import Bearer, draw_tag, place_tags
from tasks.report.overlay.trails import Runs, draw_trails, runs


def write_overlay(path: Path, dossier: Dossier) -> None:
    """Write the overlay video of a dossier with at least one frame."""
    params, canvas = dossier.params, Canvas(dossier.frames.width, dossier.frames.height)
    encoding = Encoding(canvas.even_width, canvas.even_height, dossier.fps, params.crf, params.preset)
    write_movie(path, film(dossier), dossier.span_s, encoding)


def film(dossier: Dossier) -> Iterator[tuple[float, Image]]:
    """(seconds since the first frame, picture) of every frame, lost ones too."""
    paths = runs(dossier.tracks)
    last: Image | None = None
    for frame in range(len(dossier.frames)):
        if dossier.frames.status[frame] != "lost":
            last = dossier.frames.image(frame)
        yield float(dossier.edges_s[frame]), _picture(dossier, paths, frame, last)


def picture_of(dossier: Dossier, frame: int) -> Image:
    """The picture of one frame alone."""
    lost = dossier.frames.status[frame] == "lost"
    return _picture(dossier, runs(dossier.tracks), frame, None if lost else dossier.frames.image(frame))


def _picture(dossier: Dossier, paths: Runs, frame: int, image: Image | None) -> Image:
    frames, status = dossier.frames, str(dossier.frames.status[frame])
    if status == "lost" or image is None:
        image = stand_in(image, frames.height, frames.width)
    canvas = Canvas(frames.width, frames.height)
    picture = canvas.prepare(image)
    if dossier.poses is not None:
        draw_skeletons(picture, canvas, dossier.poses, frame)
    draw_tracks(picture, canvas, dossier, paths, frame)
    draw_caption(picture, canvas, frame, float(dossier.edges_s[frame]), status)
    return picture


def draw_tracks(picture: Image, canvas: Canvas, dossier: Dossier, paths: Runs, frame: int) -> None:
    """Draw the tracks of one frame onto its prepared picture, the nearest last."""
    tracks = dossier.tracks
    if dossier.params.trail:
        draw_trails(picture, canvas, paths, frame, dossier.params.trail)
    rows = np.arange(*np.searchsorted(tracks.frame, [frame, frame + 1]))
    rows = rows[np.argsort(tracks.y2[rows], kind="stable")]
    boxes = canvas.place(tracks.xyxy[rows].reshape(-1, 2)).round().astype(np.int64).reshape(-1, 4)
    bearers: list[Bearer] = []
    for row, box in zip(rows, boxes, strict=True):
        colour = track_colour(int(tracks.track_id[row]))
        draw_box(picture, canvas, box, colour, seen=bool(tracks.detection[row] >= 0))
        corners = (int(box[0]), int(box[1]), int(box[2]), int(box[3]))
        bearers.append(Bearer(int(tracks.track_id[row]), str(tracks.class_name[row]), colour, corners))
    height, width = picture.shape[:2]
    for tag in reversed(place_tags(canvas, bearers, width, height)):
        draw_tag(picture, canvas, tag)
