"""Paths of tracks with the camera's motion taken out: each shot in the picture of its first frame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.arrays import Floats
from tasks.artifacts.dense_flow import DenseFlow
from tasks.artifacts.shots import Shots
from tasks.artifacts.tracks import Tracks

SMOOTHED_S = 0.3  # boxes jitter from frame to frame, and every jitter would count as a way


@dataclass(frozen=True, eq=False)
class TrackPath:
    """Where one track stands on the ground, frame by frame of one shot, in the picture of the shot's first frame."""

    track_id: int
    frame: NDArray[np.int32]
    xy: Floats
    """(n, 2) middle of the box's lower edge, smoothed, pixels of the shot's first frame."""
    seconds: float
    """From the first of its frames to the last."""

    @property
    def length_px(self) -> float:
        """Length of the path, pixels."""
        return float(np.linalg.norm(np.diff(self.xy, axis=0), axis=1).sum())

    @property
    def reach_px(self) -> float:
        """Straight from the first place to the last, pixels."""
        return float(np.linalg.norm(self.xy[-1] - self.xy[0]))


def find_longest_shot(flow: DenseFlow, shots: Shots) -> tuple[int, int]:
    """First frame, and the one after the last, of the longest run of frames of one shot without a missing pair."""
    breaks = np.flatnonzero(~flow.known | shots.boundary) + 1
    edges = np.concatenate([[0], breaks, [shots.frame_count]])
    longest = int(np.diff(edges).argmax())
    return int(edges[longest]), int(edges[longest + 1])


def chain_cameras(cameras: Floats, first: int, stop: int) -> Floats:
    """(stop - first, 3, 3) homographies of each frame of a shot onto its first; `cameras` lead from i to i + 1."""
    found = [np.eye(3)]
    for pair in range(first, stop - 1):
        found.append(found[-1] @ np.linalg.inv(cameras[pair]))
    chained = np.stack(found)
    return chained / chained[:, 2:, 2:]


def trace_paths(tracks: Tracks, flow: DenseFlow, shots: Shots, edges_s: Floats) -> list[TrackPath]:
    """The path of every track with at least two frames in the longest shot, in order of id."""
    first, stop = find_longest_shot(flow, shots)
    onto_first = chain_cameras(flow.cameras, first, stop)
    inside = (tracks.frame >= first) & (tracks.frame < stop)
    paths: list[TrackPath] = []
    for track_id in np.unique(tracks.track_id[inside]):
        rows = np.flatnonzero(inside & (tracks.track_id == track_id))
        if len(rows) < 2:  # noqa: PLR2004  a way needs two places
            continue
        frame = tracks.frame[rows]
        feet = np.stack([(tracks.x1[rows] + tracks.x2[rows]) / 2, tracks.y2[rows], np.ones(len(rows))], axis=1)
        placed = np.einsum("nij,nj->ni", onto_first[frame - first], feet)
        xy = smooth_over_time(placed[:, :2] / placed[:, 2:], edges_s[frame], SMOOTHED_S)
        paths.append(TrackPath(int(track_id), frame, xy, float(edges_s[frame[-1]] - edges_s[frame[0]])))
    return paths


def smooth_over_time(values: Floats, times_s: Floats, window_s: float) -> Floats:
    """(n, d) mean of `values` within half of `window_s` of each time, whatever the frame rate."""
    low = np.searchsorted(times_s, times_s - window_s / 2, side="left")
    high = np.searchsorted(times_s, times_s + window_s / 2, side="right")
    sums = np.concatenate([np.zeros((1, values.shape[1])), np.cumsum(values, axis=0)])
    return (sums[high] - sums[low]) / (high - low)[:, None]
