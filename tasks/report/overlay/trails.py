"""Trails: the recent path of each track's centre."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.arrays import Image
from tasks.artifacts.tracks import Tracks
from tasks.report.colours import track_colour
from tasks.report.overlay.drawing_canvas import Canvas

FADE = ((2 / 3, 1.0, 0.25), (1 / 3, 2 / 3, 0.5), (0.0, 1 / 3, 0.9))
"""(start age, end age, opacity) of the parts of a trail, oldest first; ages as a share of its length."""
SUBPIXEL_BITS = 3  # OpenCV takes fractional coordinates as integers with so many binary places


@dataclass(frozen=True)
class TrackRuns:
    """Runs of consecutive frames of tracks; `start`, `stop` and `offset` have one value per run."""

    track_id: NDArray[np.int32]
    start: NDArray[np.int64]
    """First frame."""
    stop: NDArray[np.int64]
    """Frame after the last one."""
    offset: NDArray[np.int64]
    """Index of its first point in `points`."""
    points: NDArray[np.float32]
    """(n, 2) box centres, pixels, run after run."""


def split_runs(tracks: Tracks) -> TrackRuns:
    """Split `tracks` into runs of consecutive frames."""
    order = np.lexsort((tracks.frame, tracks.track_id))
    frame, track_id = tracks.frame[order].astype(np.int64), tracks.track_id[order]
    breaks = np.flatnonzero((np.diff(track_id) != 0) | (np.diff(frame) != 1)) + 1
    offset = np.append(0, breaks)[: len(order)]
    length = np.diff(np.append(offset, len(order)))
    boxes = tracks.xyxy[order]
    return TrackRuns(
        track_id=track_id[offset],
        start=frame[offset],
        stop=frame[offset] + length,
        offset=offset,
        points=(boxes[:, :2] + boxes[:, 2:]) / np.float32(2),
    )


def find_trails(runs: TrackRuns, frame: int, length: int) -> list[tuple[int, NDArray[np.float32], NDArray[np.int64]]]:
    """(track id, (m, 2) points, (m,) ages in frames) of each run in the `length` frames up to `frame`."""
    found: list[tuple[int, NDArray[np.float32], NDArray[np.int64]]] = []
    oldest = frame - length + 1
    for i in np.flatnonzero((runs.start <= frame) & (runs.stop > oldest)):
        first, last = max(int(runs.start[i]), oldest), min(int(runs.stop[i]) - 1, frame)
        begin = int(runs.offset[i] - runs.start[i])
        points = runs.points[begin + first : begin + last + 1]
        found.append((int(runs.track_id[i]), points, frame - np.arange(first, last + 1)))
    return found


def draw_trails(picture: Image, canvas: Canvas, runs: TrackRuns, frame: int, length: int) -> None:
    """Draw the trails of `frame`; older parts are more transparent."""
    found = [
        (track_colour(track_id), (canvas.to_canvas(points) * (1 << SUBPIXEL_BITS)).round().astype(np.int32), age)
        for track_id, points, age in find_trails(runs, frame, length)
    ]
    for youngest, oldest, opacity in FADE if found else ():
        layer = picture.copy()
        for colour, points, age in found:
            part = points[(age >= round(youngest * length)) & (age <= round(oldest * length))]
            cv2.polylines(layer, [part], False, colour, canvas.line_px, cv2.LINE_AA, SUBPIXEL_BITS)
        cv2.addWeighted(layer, opacity, picture, 1 - opacity, 0, dst=picture)
