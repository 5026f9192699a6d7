"""Association of a frame's detections with tracks: up to three rounds of assignment, each over the unmatched rest.

1. High-scoring detections with predicted boxes, by IoU; optionally with momentum and appearance.
2. Low-scoring detections with the tracks left, by IoU (ByteTrack: Zhang et al., ECCV 2022).
3. High-scoring detections left with the boxes of the latest detections (OC-SORT: Cao et al., CVPR 2023).

We differ from ByteTrack in that tracks lost a few frames ago take part in the second round too, and that tentative
tracks have no round of their own, as the end of the video shows which of them last.
Appearance joins the first round as in BoT-SORT (Aharon et al., 2022), by the smaller of the IoU distance and the
appearance distance behind gates on both, or as in DeepSORT (Wojke et al., 2017), appearance before IoU.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.arrays import Boxes, Floats, Indices, Vectors
from tasks.geometry.bounding_boxes import pairwise_iou
from tasks.track import kalman_filter
from tasks.track.box_state import SIZE_STATE, BoxState
from tasks.track.kalman_filter import FilterState
from tasks.track.linear_assignment import solve_assignment
from tasks.track.observation_momentum import direction_consistency
from tasks.track.params import TrackParams

MIN_GATED_GAIN = 1e-6  # of a pair that passes the IoU gate and whose direction changes: it stays possible
CHI2_95_4DOF = 9.4877  # scipy.stats.chi2.ppf(0.95, 4): deep_sort's gate on the squared Mahalanobis distance
MAX_OVERLAP_GAIN = 1.0


@dataclass(frozen=True)
class FrameDetections:
    """The detections of one frame, best score first."""

    xyxy: Boxes
    score: Floats
    class_id: NDArray[np.int16]
    embedding: Vectors
    """(m, d) unit vectors of appearance, zeros where unknown; d is 0 without pictures."""

    def take(self, rows: Indices) -> FrameDetections:
        """The detections at `rows`."""
        return FrameDetections(self.xyxy[rows], self.score[rows], self.class_id[rows], self.embedding[rows])


@dataclass(frozen=True)
class PredictedTracks:
    """The tracks as predicted for that frame, oldest track first."""

    xyxy: Boxes
    """(n, 4) predicted boxes."""
    last_xyxy: Boxes
    """(n, 4) boxes of the latest detections."""
    recent: Floats
    """(n, k, 3) latest observations, see `observation_momentum`."""
    class_id: NDArray[np.int16]
    embedding: Vectors
    """(n, d) unit vectors of appearance, zeros where unknown."""
    state: FilterState
    """Mean and covariance of the Kalman filters."""
    box: BoxState = SIZE_STATE
    """What the filters' numbers are."""


def select_tracks(tracks: PredictedTracks, rows: Indices) -> PredictedTracks:
    """The tracks at `rows`."""
    mean, covariance = tracks.state
    return PredictedTracks(
        tracks.xyxy[rows],
        tracks.last_xyxy[rows],
        tracks.recent[rows],
        tracks.class_id[rows],
        tracks.embedding[rows],
        (mean[rows], covariance[rows]),
        tracks.box,
    )


def associate_detections(tracks: PredictedTracks, seen: FrameDetections, params: TrackParams) -> Indices:
    """(n,) index of the detection that continues each track, or -1; no detection continues two tracks."""
    partner = np.full(len(tracks.xyxy), -1)
    if not len(partner) or not len(seen.score):
        return partner
    same_class = tracks.class_id[:, None] == seen.class_id
    overlap = pairwise_iou(tracks.xyxy, seen.xyxy) * same_class
    is_high = seen.score >= params.high_score
    high, low = np.flatnonzero(is_high), np.flatnonzero(~is_high & (seen.score >= params.low_score))

    track, found = solve_assignment(compute_first_round_gain(overlap[:, high], tracks, seen.take(high), params))
    partner[track] = high[found]
    free = np.flatnonzero(partner < 0)
    track, found = solve_assignment(overlap[free[:, None], low] - params.min_iou_low)
    partner[free[track]] = low[found]
    if params.observation_recovery:
        free, left = np.flatnonzero(partner < 0), np.setdiff1d(high, partner)
        last_overlap = pairwise_iou(tracks.last_xyxy[free], seen.xyxy[left]) * same_class[free[:, None], left]
        track, found = solve_assignment(last_overlap - params.min_iou)
        partner[free[track]] = left[found]
    return partner


def compute_first_round_gain(
    overlap: Floats, tracks: PredictedTracks, seen: FrameDetections, params: TrackParams
) -> Floats:
    """(n, m) gains of the first round: IoU above the gate, plus momentum where that passes, and appearance."""
    gain = (overlap * seen.score if params.fuse_score else overlap) - params.min_iou
    if params.momentum:
        centre = (seen.xyxy[:, :2] + seen.xyxy[:, 2:]) / 2
        bonus = params.momentum * direction_consistency(tracks.recent, centre) * seen.score
        gain = np.where(gain > 0, np.maximum(gain + bonus, MIN_GATED_GAIN), 0)
    if params.appearance == "none" or not seen.embedding.shape[1]:
        return gain
    distance = 1 - (tracks.embedding @ seen.embedding.T).astype(np.float64)
    alike = (distance < params.appearance_max_distance) & gate_by_position(overlap, tracks, seen, params)
    # BoT-SORT halves the cosine distance, so that it is 0..1 like that of overlap.
    closest = np.maximum(gain, 1 - distance / 2 - params.min_iou)
    return np.where(alike, MAX_OVERLAP_GAIN + 1 - distance if params.appearance == "first" else closest, gain)


def gate_by_position(
    overlap: Floats, tracks: PredictedTracks, seen: FrameDetections, params: TrackParams
) -> NDArray[np.bool_]:
    """(n, m) whether a detection is near enough to a track for appearance to count.

    BoT-SORT's gate on IoU, or, for `appearance_min_iou` 0, DeepSORT's on the Mahalanobis distance.
    """
    if params.appearance_min_iou:
        return overlap >= params.appearance_min_iou
    distance = kalman_filter.mahalanobis_distance(*tracks.state, tracks.box.from_xyxy(seen.xyxy), tracks.box)
    return (distance <= CHI2_95_4DOF) & (tracks.class_id[:, None] == seen.class_id)
