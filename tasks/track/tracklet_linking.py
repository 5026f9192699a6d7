"""Tracklet linking, the second pass: tracklets are joined into tracks over gaps.

Source: Huang, Wu and Nevatia, "Robust object tracking by hierarchical association of detection responses" (ECCV 2008):
the end of one tracklet extrapolated forward must meet the start of the other, and that extrapolated backward the end
of the first; sizes must agree; the best set of links is an assignment problem.
We differ in that affinities are gates and distances in box heights instead of fitted Gaussians, that motion is a
straight line fitted to the detections near each end, and that one round over all tracklets is enough. Where the
camera's motion is known, lines are fitted in the pixels of the end's frame, and extrapolation includes that motion;
where appearance is known, the embeddings at both sides of the gap must agree.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tasks.arrays import Boxes, Floats, Indices, Points, Vectors
from tasks.artifacts.detections import Detections
from tasks.geometry.bounding_boxes import xyxy_to_cxcywh
from tasks.geometry.cell_grid import l2_normalize
from tasks.track.appearance_embedding import match_embeddings
from tasks.track.camera_motion import VideoCameraMotion, scale_change
from tasks.track.frame_times import TOLERANCE_S
from tasks.track.linear_assignment import solve_sparse_assignment
from tasks.track.params import TrackParams
from tasks.track.tracklets import Tracklets
from tasks.track.visual_cues import NO_CUES, VisualCues


@dataclass(frozen=True)
class Observations:
    """The detections of tracklets, a row each, in their order."""

    frame: Indices
    time_s: Floats
    """(n,) seconds."""
    cxcywh: Boxes


@dataclass(frozen=True)
class TrackletEnds:
    """One end, the start or the stop, of every tracklet: position and velocity."""

    frame: Indices
    """(n,) frame of the first, or last, detection."""
    time_s: Floats
    """(n,) its time, seconds."""
    centre: Points
    """(n, 2) in that frame, pixels."""
    velocity: Points
    """(n, 2) pixels per second."""
    height: Floats
    """(n,) pixels."""

    def take(self, rows: Indices) -> TrackletEnds:
        """The ends at `rows`, which may repeat."""
        return TrackletEnds(
            self.frame[rows], self.time_s[rows], self.centre[rows], self.velocity[rows], self.height[rows]
        )

    def extrapolate_motion(self, to: TrackletEnds, camera: VideoCameraMotion | None = None) -> TrackletEnds:
        """The ends moved to the times of (n,) others, backward where those are earlier, at constant velocity."""
        centre = self.centre + self.velocity * (to.time_s - self.time_s)[:, None]
        if camera is None:
            return TrackletEnds(to.frame, to.time_s, centre, self.velocity, self.height)
        centre, jacobian = camera.warp_points(centre, self.frame, to.frame)
        velocity = np.einsum("nij,nj->ni", jacobian, self.velocity)
        return TrackletEnds(to.frame, to.time_s, centre, velocity, self.height * scale_change(jacobian))


def link_tracklets(
    detections: Detections, pts_s: Floats, tracklets: Tracklets, params: TrackParams, cues: VisualCues = NO_CUES
) -> Tracklets:
    """`tracklets` with those joined that follow one another within `link_max_gap_s`; `pts_s` are all frames' times."""
    if len(tracklets) < 2 or not params.link_max_gap_s:  # noqa: PLR2004  a link needs two
        return tracklets
    frame = detections.frame[tracklets.detection].astype(np.intp)
    box = xyxy_to_cxcywh(detections.take_boxes(tracklets.detection))
    camera = cues.camera_motion
    observed = Observations(frame, pts_s[frame], box)
    starts = fit_ends(tracklets, observed, tracklets.first, params.link_window_s, camera)
    stops = fit_ends(tracklets, observed, tracklets.last, params.link_window_s, camera)
    earlier, later = find_successors(stops.frame, starts.frame, pts_s, params.link_max_gap_s)
    class_id = detections.class_id[tracklets.detection[tracklets.first]]
    gain = compute_link_gain(stops.take(earlier), starts.take(later), params, camera)
    gain *= class_id[earlier] == class_id[later]
    if params.link_max_appearance_distance and cues.embedding_size:
        before, after = (
            mean_end_embeddings(detections, tracklets, near, cues)
            for near in (find_near(tracklets, observed, end.time_s, params.link_window_s) for end in (stops, starts))
        )
        gain *= match_embeddings(before[earlier], after[later], params.link_max_appearance_distance)
    likely = np.flatnonzero(gain > 0)
    chosen = likely[solve_sparse_assignment(earlier[likely], later[likely], gain[likely])]
    root = np.arange(len(tracklets))
    for pair in chosen[np.argsort(starts.frame[later[chosen]], kind="stable")]:
        root[later[pair]] = root[earlier[pair]]
    return Tracklets.from_pairs(root[tracklets.tracklet], tracklets.detection)


def compute_link_gain(
    stops: TrackletEnds, starts: TrackletEnds, params: TrackParams, camera: VideoCameraMotion | None = None
) -> Floats:
    """(n,) gain of joining each stop to its start: 1 where the paths meet, 0 or less where they must not be joined."""
    forward, backward = stops.extrapolate_motion(starts, camera), starts.extrapolate_motion(stops, camera)
    # A line fitted to a window has the velocity of its middle, so different velocities have acted over half a window.
    drift = (forward.velocity - starts.velocity) * params.link_window_s / 2
    misses = (forward.centre - starts.centre, backward.centre - stops.centre, drift)
    miss = np.max([np.linalg.norm(vector, axis=1) for vector in misses], axis=0)
    close = 1 - miss / (params.link_max_distance * np.sqrt(stops.height * starts.height))
    ratio = np.maximum(forward.height, starts.height) / np.minimum(forward.height, starts.height)
    return np.where(ratio <= params.link_max_size_ratio, close, 0)


def find_successors(stop: Indices, start: Indices, pts_s: Floats, gap_s: float) -> tuple[Indices, Indices]:
    """All pairs (earlier, later), sorted by earlier, where `later` starts after `earlier` stops, at most `gap_s` later.

    `stop` and `start` are frames, `pts_s` the times of all frames; the frame before `later` starts must lie in the gap.
    Found by binary search in the sorted starts, so that the cost is that of the pairs found, not of all pairs.
    """
    order = np.argsort(start, kind="stable")
    low = np.searchsorted(start[order], stop, side="right")
    last_missed = np.searchsorted(pts_s, pts_s[stop] + gap_s + TOLERANCE_S, side="right") - 1
    high = np.searchsorted(start[order], last_missed + 1, side="right")
    count = high - low
    earlier = np.repeat(np.arange(len(stop)), count)
    within = np.arange(len(earlier)) - np.repeat(np.cumsum(count) - count, count)
    return earlier, order[np.repeat(low, count) + within]


def fit_ends(
    tracklets: Tracklets,
    observed: Observations,
    row: Indices,
    window_s: float,
    camera: VideoCameraMotion | None = None,
) -> TrackletEnds:
    """Each tracklet's position and velocity at its `row`: least-squares lines through the boxes near that time.

    `observed` are the tracklets' detections; near is less than `window_s` away.
    """
    at, at_s = observed.frame[row], observed.time_s[row]
    near = find_near(tracklets, observed, at_s, window_s)
    owner, z = tracklets.tracklet[near], observed.cxcywh[near]
    time = observed.time_s[near] - at_s[owner]
    if camera is not None:
        centre, jacobian = camera.warp_points(z[:, :2], observed.frame[near], at[owner])
        z = np.concatenate([centre, z[:, 2:] * scale_change(jacobian)[:, None]], axis=1)

    def total(values: Floats) -> Floats:
        return np.bincount(owner, values, minlength=len(tracklets)).astype(np.float64)

    count = np.bincount(owner, minlength=len(tracklets))
    middle = total(time) / count
    centred = time - middle[owner]
    variance = total(centred**2)
    variance[count == 1] = 1  # whose slope is then 0 / 1
    mean = np.stack([total(z[:, k]) for k in range(4)], axis=1) / count[:, None]
    slope = np.stack([total(centred * z[:, k]) for k in range(4)], axis=1) / variance[:, None]
    value = mean - slope * middle[:, None]
    return TrackletEnds(at, at_s, value[:, :2], slope[:, :2], np.maximum(value[:, 3], 1))


def find_near(tracklets: Tracklets, observed: Observations, at_s: Floats, window_s: float) -> Indices:
    """Rows of the detections that are less than `window_s` from their tracklet's (n,) time `at_s`."""
    return np.flatnonzero(np.abs(observed.time_s - at_s[tracklets.tracklet]) < window_s - TOLERANCE_S)


def mean_end_embeddings(detections: Detections, tracklets: Tracklets, near: Indices, cues: VisualCues) -> Vectors:
    """(n, d) unit mean embedding of each tracklet's detections among the rows `near`; zeros if unknown.

    Summed frame by frame, so that only one frame's vectors are in memory beside the sums.
    """
    frame = detections.frame[tracklets.detection].astype(np.intp)
    near = near[np.argsort(frame[near], kind="stable")]
    total = np.zeros((len(tracklets), cues.embedding_size), np.float32)
    xyxy = detections.xyxy
    for rows in np.split(near, np.flatnonzero(np.diff(frame[near])) + 1):
        if len(rows):
            total[tracklets.tracklet[rows]] += cues.embed_boxes(int(frame[rows[0]]), xyxy[tracklets.detection[rows]])
    return l2_normalize(total)
