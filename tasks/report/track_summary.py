"""Summary statistics of each track: when it is present, path length, speed, best frame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.artifacts.tracks import Tracks


@dataclass(frozen=True)
class TrackSegment:
    """A contiguous part of a track, all of it detected or all of it interpolated."""

    start_s: float
    stop_s: float
    is_detected: bool
    """Whether it has detections; otherwise the tracker interpolated it."""


@dataclass(frozen=True)
class TrackSummary:
    """One track; times are seconds since the first frame, lengths are working-size pixels."""

    track_id: int
    class_id: int
    class_name: str
    first_s: float
    """When its first frame begins."""
    last_s: float
    """When its last frame ends."""
    present_s: float
    """Seconds for which it has rows: gaps left out."""
    frames: int
    interpolated: int
    """Frames without a detection of their own."""
    mean_score: float
    """Mean score of the detections behind it; NaN without any."""
    path_px: float
    """Length of the line through its box centres, straight over gaps."""
    speed_px_s: float
    """Path over the time from first to last centre; NaN where that is no time."""
    best_row: int
    """Row of the tracks artifact with the highest score."""
    best_s: float
    """When that row's frame begins."""
    segments: tuple[TrackSegment, ...]


def summarise_tracks(tracks: Tracks, edges_s: NDArray[np.float64]) -> tuple[TrackSummary, ...]:
    """A TrackSummary per track, those present longest first, equals by id; `edges_s` are (t + 1,) frame boundaries."""
    order = np.lexsort((tracks.frame, tracks.track_id))
    bounds = np.flatnonzero(np.diff(tracks.track_id[order])) + 1
    found = [_summarise_track(tracks, rows, edges_s) for rows in np.split(order, bounds) if len(rows)]
    return tuple(sorted(found, key=lambda summary: (-summary.present_s, summary.track_id)))


def _summarise_track(tracks: Tracks, rows: NDArray[np.intp], edges_s: NDArray[np.float64]) -> TrackSummary:
    frame, is_detected = tracks.frame[rows], tracks.detection[rows] >= 0
    boxes = tracks.xyxy[rows].astype(np.float64)
    path_px = float(np.linalg.norm(np.diff((boxes[:, :2] + boxes[:, 2:]) / 2, axis=0), axis=1).sum())
    between_s = float(edges_s[frame[-1]] - edges_s[frame[0]])
    best = int(rows[np.argmax(tracks.score[rows])])
    return TrackSummary(
        track_id=int(tracks.track_id[best]),
        class_id=int(tracks.class_id[best]),
        class_name=str(tracks.class_name[best]),
        first_s=float(edges_s[frame[0]]),
        last_s=float(edges_s[frame[-1] + 1]),
        present_s=float((edges_s[frame + 1] - edges_s[frame]).sum()),
        frames=len(rows),
        interpolated=int((~is_detected).sum()),
        mean_score=float(tracks.score[rows][is_detected].mean(dtype=np.float64)) if is_detected.any() else np.nan,
        path_px=path_px,
        speed_px_s=path_px / between_s if between_s > 0 else np.nan,
        best_row=best,
        best_s=float(edges_s[tracks.frame[best]]),
        segments=_find_segments(frame, is_detected, edges_s),
    )


def _find_segments(
    frame: NDArray[np.int32], is_detected: NDArray[np.bool_], edges_s: NDArray[np.float64]
) -> tuple[TrackSegment, ...]:
    breaks = np.flatnonzero((np.diff(frame) != 1) | (np.diff(is_detected.astype(np.int8)) != 0)) + 1
    starts, stops = np.append(0, breaks), np.append(breaks, len(frame)) - 1
    return tuple(
        TrackSegment(float(edges_s[frame[a]]), float(edges_s[frame[b] + 1]), bool(is_detected[a]))
        for a, b in zip(starts, stops, strict=True)
    )
