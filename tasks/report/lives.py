"""What became of each track: when it was there, how far it went, where it is seen best."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.artifacts.tracks import Tracks


@dataclass(frozen=True)
class Stretch:
    """An unbroken part of a track, all of it seen or all of it filled in."""

    start_s: float
    stop_s: float
    seen: bool
    """Whether detections stand behind it; otherwise the tracker filled it in."""


@dataclass(frozen=True)
class Life:
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
    filled: int
    """Frames without a detection of their own."""
    mean_score: float
    """Mean score of the detections behind it; NaN without any."""
    path_px: float
    """Length of the line through its box centres, straight over gaps."""
    speed_px_s: float
    """Path over the time from first to last centre; NaN where that is no time."""
    best_row: int
    """Row of the tracks artifact with the highest score: the one to look at."""
    best_s: float
    """When that row's frame begins."""
    stretches: tuple[Stretch, ...]


def lives(tracks: Tracks, edges_s: NDArray[np.float64]) -> tuple[Life, ...]:
    """A Life per track, those present longest first, equals by id; `edges_s` are the (t + 1,) frame boundaries."""
    order = np.lexsort((tracks.frame, tracks.track_id))
    bounds = np.flatnonzero(np.diff(tracks.track_id[order])) + 1
    found = [_life(tracks, rows, edges_s) for rows in np.split(order, bounds) if len(rows)]
    return tuple(sorted(found, key=lambda life: (-life.present_s, life.track_id)))


def _life(tracks: Tracks, rows: NDArray[np.intp], edges_s: NDArray[np.float64]) -> Life:
    frame, seen = tracks.frame[rows], tracks.detection[rows] >= 0
    boxes = tracks.xyxy[rows].astype(np.float64)
    path_px = float(np.linalg.norm(np.diff((boxes[:, :2] + boxes[:, 2:]) / 2, axis=0), axis=1).sum())
    between_s = float(edges_s[frame[-1]] - edges_s[frame[0]])
    best = int(rows[np.argmax(tracks.score[rows])])
    return Life(
        track_id=int(tracks.track_id[best]),
        class_id=int(tracks.class_id[best]),
        class_name=str(tracks.class_name[best]),
        first_s=float(edges_s[frame[0]]),
        last_s=float(edges_s[frame[-1] + 1]),
        present_s=float((edges_s[frame + 1] - edges_s[frame]).sum()),
        frames=len(rows),
        filled=int((~seen).sum()),
        mean_score=float(tracks.score[rows][seen].mean(dtype=np.float64)) if seen.any() else np.nan,
        path_px=path_px,
        speed_px_s=path_px / between_s if between_s > 0 else np.nan,
        best_row=best,
        best_s=float(edges_s[tracks.frame[best]]),
        stretches=_stretches(frame, seen, edges_s),
    )


def _stretches(frame: NDArray[np.int32], seen: NDArray[np.bool_], edges_s: NDArray[np.float64]) -> tuple[Stretch, ...]:
    breaks = np.flatnonzero((np.diff(frame) != 1) | (np.diff(seen.astype(np.int8)) != 0)) + 1
    starts, stops = np.append(0, breaks), np.append(breaks, len(frame)) - 1
    return tuple(
        Stretch(float(edges_s[frame[a]]), float(edges_s[frame[b] + 1]), bool(seen[a]))
        for a, b in zip(starts, stops, strict=True)
    )
