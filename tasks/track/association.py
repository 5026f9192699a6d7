"""Which detection of a frame continues which track: rounds of matching, each over what the rounds before left.

Sources: ByteTrack (Zhang et al., ECCV 2022), high scores first, then low ones; OC-SORT (Cao et al., CVPR 2023),
momentum in the first round and a last round against the boxes last seen.
We differ from ByteTrack in that tracks lost a few frames ago take part in the second round too, and that young tracks
need no round of their own, as what they come to is known by the end of the video.
Looks, where there are pictures, join the first round: as in BoT-SORT (Aharon et al., 2022), the smaller of the
distances of overlap and look behind gates on both, or as in DeepSORT (Wojke et al., 2017), look before overlap.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tasks.arrays import Floats, Indices
from tasks.geometry.bounding_boxes import pairwise_iou, xyxy_to_cxcywh
from tasks.track import kalman_filter
from tasks.track.kalman_filter import FilterState
from tasks.track.linear_assignment import solve_assignment
from tasks.track.observation_momentum import direction_consistency

if TYPE_CHECKING:
    from tasks.track.params import TrackParams

MIN_GATED_GAIN = 1e-6  # what a pair past the overlap gate keeps when its direction speaks against it
CHI2_95_4DOF = 9.4877  # scipy.stats.chi2.ppf(0.95, 4): deep_sort's gate on the squared Mahalanobis distance
MAX_OVERLAP_GAIN = 1.0  # of overlap


@dataclass(frozen=True)
class FrameDetections:
    """The detections of one frame, best score first."""

    xyxy: Floats
    score: Floats
    class_id: NDArray[np.int16]
    look: NDArray[np.float32]
    """(m, d) unit vectors of what the boxes hold, zeros where that is not known; d is 0 without pictures."""

    def take(self, rows: Indices) -> FrameDetections:
        """Those of `rows`."""
        return FrameDetections(self.xyxy[rows], self.score[rows], self.class_id[rows], self.look[rows])


@dataclass(frozen=True)
class PredictedTracks:
    """What the tracks lead us to expect in that frame, oldest track first."""

    xyxy: Floats
    """(n, 4) predicted boxes."""
    last_xyxy: Floats
    """(n, 4) boxes last seen."""
    recent: Floats
    """(n, k, 3) latest observations, see `motion`."""
    class_id: NDArray[np.int16]
    look: NDArray[np.float32]
    """(n, d) unit vectors, zeros where not known yet."""
    state: FilterState
    """Of the filters."""


def associate_detections(expected: PredictedTracks, seen: FrameDetections, params: TrackParams) -> Indices:
    """(n,) the detection that continues each track, or -1; no detection continues two."""
    partner = np.full(len(expected.xyxy), -1)
    if not len(partner) or not len(seen.score):
        return partner
    same_class = expected.class_id[:, None] == seen.class_id
    overlap = pairwise_iou(expected.xyxy, seen.xyxy) * same_class
    high = seen.score >= params.high_score
    strong, weak = np.flatnonzero(high), np.flatnonzero(~high & (seen.score >= params.low_score))

    track, found = solve_assignment(compute_first_round_gain(overlap[:, strong], expected, seen.take(strong), params))
    partner[track] = strong[found]
    free = np.flatnonzero(partner < 0)
    track, found = solve_assignment(overlap[free[:, None], weak] - params.min_iou_low)
    partner[free[track]] = weak[found]
    if params.recovery:
        free, left = np.flatnonzero(partner < 0), np.setdiff1d(strong, partner)
        near = pairwise_iou(expected.last_xyxy[free], seen.xyxy[left]) * same_class[free[:, None], left]
        track, found = solve_assignment(near - params.min_iou)
        partner[free[track]] = left[found]
    return partner


def compute_first_round_gain(
    overlap: Floats, expected: PredictedTracks, seen: FrameDetections, params: TrackParams
) -> Floats:
    """(n, m) gain of the first round: overlap past the gate, direction among what passes, and looks."""
    gain = (overlap * seen.score if params.fuse_score else overlap) - params.min_iou
    if params.momentum:
        centre = (seen.xyxy[:, :2] + seen.xyxy[:, 2:]) / 2
        bonus = params.momentum * direction_consistency(expected.recent, centre) * seen.score
        gain = np.where(gain > 0, np.maximum(gain + bonus, MIN_GATED_GAIN), 0)
    if params.appearance == "none" or not seen.look.shape[1]:
        return gain
    distance = 1 - (expected.look @ seen.look.T).astype(np.float64)
    alike = (distance < params.appearance_distance) & gate_pairs(overlap, expected, seen, params)
    # BoT-SORT halves the cosine distance, so that it is 0..1 like that of overlap.
    closest = np.maximum(gain, 1 - distance / 2 - params.min_iou)
    return np.where(alike, MAX_OVERLAP_GAIN + 1 - distance if params.appearance == "first" else closest, gain)


def gate_pairs(
    overlap: Floats, expected: PredictedTracks, seen: FrameDetections, params: TrackParams
) -> NDArray[np.bool_]:
    """(n, m) whether a detection lies where the track may be: BoT-SORT's gate, or, for an overlap of 0, DeepSORT's."""
    if params.appearance_iou:
        return overlap >= params.appearance_iou
    surprise = kalman_filter.mahalanobis_distance(*expected.state, xyxy_to_cxcywh(seen.xyxy))
    return (surprise <= CHI2_95_4DOF) & (expected.class_id[:, None] == seen.class_id)
