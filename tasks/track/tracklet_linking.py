"""The second pass: tracklets become one track where both ends say so.

Source: Huang, Wu and Nevatia, "Robust object tracking by hierarchical association of detection responses" (ECCV 2008):
the end of one tracklet carried forward must meet the start of the other, and that carried backward the end of the
first; sizes must agree; the best set of links is an assignment problem.
We differ in that affinities are gates and distances in box heights instead of fitted Gaussians, that motion is a
straight line through the detections near each end, and that one round over all tracklets is enough. Where the camera's
motion is known, lines are laid in the pixels of the frame of their end, and go over the gap along with the camera;
where looks are known, those at both sides must agree.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tasks.arrays import Floats, Indices
from tasks.artifacts.detections import Detections
from tasks.geometry.bounding_boxes import xyxy_to_cxcywh
from tasks.geometry.cell_grid import l2_normalize
from tasks.track.camera_motion import VideoCameraMotion, scale_change
from tasks.track.linear_assignment import solve_sparse_assignment
from tasks.track.tracklets import Tracklets
from tasks.track.visual_cues import NO_CUES, VisualCues

if TYPE_CHECKING:
    from tasks.track.params import TrackParams


@dataclass(frozen=True)
class TrackletEnds:
    """One end of every tracklet: where it is then, and how it moves."""

    frame: Indices
    """(n,) frame of the first, or last, detection."""
    place: Floats
    """(n, 2) centre in that frame, pixels."""
    velocity: Floats
    """(n, 2) pixels per frame."""
    height: Floats
    """(n,) pixels."""

    def take(self, rows: Indices) -> TrackletEnds:
        """Those of `rows`, which may repeat."""
        return TrackletEnds(self.frame[rows], self.place[rows], self.velocity[rows], self.height[rows])

    def carried(self, frames: Indices, camera: VideoCameraMotion | None = None) -> TrackletEnds:
        """The ends so many frames later, or earlier where negative, if they go straight on."""
        to, place = self.frame + frames, self.place + self.velocity * frames[:, None]
        if camera is None:
            return TrackletEnds(to, place, self.velocity, self.height)
        place, turn = camera.carry(place, self.frame, to)
        return TrackletEnds(to, place, np.einsum("nij,nj->ni", turn, self.velocity), self.height * scale_change(turn))


def link_tracklets(
    detections: Detections, tracklets: Tracklets, params: TrackParams, sight: VisualCues = NO_CUES
) -> Tracklets:
    """`tracklets` with those joined that follow one another within `link_gap` frames."""
    if len(tracklets) < 2 or not params.link_gap:
        return tracklets
    frame = detections.frame[tracklets.detection].astype(np.intp)
    box = xyxy_to_cxcywh(detections.xyxy[tracklets.detection].astype(np.float64))
    starts = fit_ends(tracklets, frame, box, frame[tracklets.first], params.link_window, camera=sight.camera)
    stops = fit_ends(tracklets, frame, box, frame[tracklets.last], params.link_window, camera=sight.camera)
    earlier, later = find_successors(stops.frame, starts.frame, params.link_gap)
    class_id = detections.class_id[tracklets.detection[tracklets.first]]
    gain = compute_link_gain(stops.take(earlier), starts.take(later), params, sight.camera)
    gain *= class_id[earlier] == class_id[later]
    if params.link_appearance and sight.dimensions:
        looks = [
            mean_end_embeddings(detections, tracklets, at, params.link_window, sight)
            for at in (stops.frame, starts.frame)
        ]
        gain *= match_embeddings(looks[0][earlier], looks[1][later], params.link_appearance)
    likely = np.flatnonzero(gain > 0)
    chosen = likely[solve_sparse_assignment(earlier[likely], later[likely], gain[likely])]
    root = np.arange(len(tracklets))
    for pair in chosen[np.argsort(starts.frame[later[chosen]], kind="stable")]:
        root[later[pair]] = root[earlier[pair]]
    return Tracklets.of(root[tracklets.tracklet], tracklets.detection)


def compute_link_gain(
    stops: TrackletEnds, starts: TrackletEnds, params: TrackParams, camera: VideoCameraMotion | None = None
) -> Floats:
    """(n,) gain of joining each stop to its start: 1 where the paths meet, 0 or less where they must not be joined."""
    ahead = starts.frame - stops.frame
    onward, back = stops.carried(ahead, camera), starts.carried(-ahead, camera)
    # A line through a window tells the speed in its middle: that is how long different speeds have been at work.
    apart = (onward.velocity - starts.velocity) * params.link_window / 2
    misses = (onward.place - starts.place, back.place - stops.place, apart)
    miss = np.max([np.linalg.norm(vector, axis=1) for vector in misses], axis=0)
    close = 1 - miss / (params.link_distance * np.sqrt(stops.height * starts.height))
    ratio = np.maximum(onward.height, starts.height) / np.minimum(onward.height, starts.height)
    return np.where(ratio <= params.link_size, close, 0)


def find_successors(stop: Indices, start: Indices, gap: int) -> tuple[Indices, Indices]:
    """All pairs (earlier, later), sorted by earlier, where `later` starts after `earlier` stops, at most `gap` between.

    Found in order of starts, so that a long video costs what its overlaps cost, not the square of its tracklets.
    """
    order = np.argsort(start, kind="stable")
    low = np.searchsorted(start[order], stop, side="right")
    high = np.searchsorted(start[order], stop + gap + 1, side="right")
    count = high - low
    earlier = np.repeat(np.arange(len(stop)), count)
    within = np.arange(len(earlier)) - np.repeat(np.cumsum(count) - count, count)
    return earlier, order[np.repeat(low, count) + within]


def fit_ends(
    tracklets: Tracklets,
    frame: Indices,
    box: Floats,
    at: Indices,
    window: int,
    *,
    camera: VideoCameraMotion | None = None,
) -> TrackletEnds:
    """Straight lines through the boxes less than `window` frames from `at`, one frame per tracklet, read off there."""
    near = np.abs(frame - at[tracklets.tracklet]) < window
    time = (frame - at[tracklets.tracklet])[near].astype(np.float64)
    owner, z = tracklets.tracklet[near], box[near]
    if camera is not None:
        place, turn = camera.carry(z[:, :2], frame[near], at[owner])
        z = np.concatenate([place, z[:, 2:] * scale_change(turn)[:, None]], axis=1)

    def total(values: Floats) -> Floats:
        return np.bincount(owner, values, minlength=len(tracklets)).astype(np.float64)

    count = np.bincount(owner, minlength=len(tracklets))
    middle = total(time) / count
    centred = time - middle[owner]
    spread = np.maximum(total(centred**2), 1)  # 0 only for a single detection, whose slope is then 0 / 1
    mean = np.stack([total(z[:, k]) for k in range(4)], axis=1) / count[:, None]
    slope = np.stack([total(centred * z[:, k]) for k in range(4)], axis=1) / spread[:, None]
    fitted = mean - slope * middle[:, None]
    return TrackletEnds(at, fitted[:, :2], slope[:, :2], np.maximum(fitted[:, 3], 1))


def mean_end_embeddings(
    detections: Detections, tracklets: Tracklets, at: Indices, window: int, sight: VisualCues
) -> NDArray[np.float32]:
    """(n, d) unit mean look of each tracklet's detections less than `window` frames from `at`; zeros where unknown.

    Frame after frame, so that no more than a frame's vectors are held beside the sums.
    """
    frame = detections.frame[tracklets.detection].astype(np.intp)
    near = np.flatnonzero(np.abs(frame - at[tracklets.tracklet]) < window)
    near = near[np.argsort(frame[near], kind="stable")]
    total = np.zeros((len(tracklets), sight.dimensions), np.float32)
    xyxy = detections.xyxy
    for rows in np.split(near, np.flatnonzero(np.diff(frame[near])) + 1):
        if len(rows):
            total[tracklets.tracklet[rows]] += sight.looks(int(frame[rows[0]]), xyxy[tracklets.detection[rows]])
    return l2_normalize(total)


def match_embeddings(first: NDArray[np.float32], second: NDArray[np.float32], distance: float) -> NDArray[np.bool_]:
    """(n,) whether (n, d) looks are less than a cosine distance apart; True where one of them is unknown."""
    unknown = ~(first.any(axis=1) & second.any(axis=1))
    return unknown | (1 - np.einsum("nd,nd->n", first, second) < distance)
