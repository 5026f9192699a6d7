"""The life of tracks as in ByteTrack, step by step, for the presets that are named after it and its descendants.

Source: Zhang et al., "ByteTrack" (ECCV 2022), `byte_tracker.py`, as ultralytics keeps it; we differ in that a track
has one class. In three things it differs from the tracker's own way: only tracks matched in the frame before take part
in the second round; tracks that are not confirmed yet are not predicted, have a last round of their own, and end where
that fails; and of a matched and a lost track at nearly the same place the younger ends.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tasks.arrays import Floats, Indices
from tasks.geometry.bounding_boxes import pairwise_iou
from tasks.track.active_tracks import ActiveTracks
from tasks.track.association import FrameDetections, compute_first_round_gain, select_tracks
from tasks.track.linear_assignment import solve_assignment
from tasks.track.params import TrackParams

MIN_IOU_UNCONFIRMED = 0.3  # of the last round; byte_tracker.py, _unconfirmed_association, thresh .7
MIN_DUPLICATE_IOU = 0.85  # of a matched and a lost track; byte_tracker.py, remove_duplicate_stracks
LATE_REMOVAL = 1  # frames for which a track that was lost for too long stays in the pool; byte_tracker.py


def predict_and_associate(
    active: ActiveTracks, seen: FrameDetections, frame: int, params: TrackParams, homography: Floats | None
) -> Indices:
    """(n,) index of the detection that continues each track, or -1; `active` is advanced to `frame`."""
    unconfirmed, lost = find_unconfirmed(active, params), active.last_frame < frame - 1
    active.mean[lost, 1, active.box.constant_when_lost] = 0
    waiting = active.mean[unconfirmed], active.covariance[unconfirmed]
    tracks = active.predict(homography)
    active.mean[unconfirmed], active.covariance[unconfirmed] = waiting
    partner = np.full(len(lost), -1)
    high = np.flatnonzero(seen.score >= params.high_score)
    low = np.flatnonzero((seen.score > params.low_score) & (seen.score < params.high_score))
    overlap = pairwise_iou(active.xyxy, seen.xyxy) * (active.class_id[:, None] == seen.class_id)

    pool = np.flatnonzero(~unconfirmed)
    gain = compute_first_round_gain(overlap[np.ix_(pool, high)], select_tracks(tracks, pool), seen.take(high), params)
    _match(partner, pool, high, gain)
    tracked = np.flatnonzero(~unconfirmed & ~lost & (partner < 0))
    _match(partner, tracked, low, overlap[np.ix_(tracked, low)] - params.min_iou_low)
    young, left = np.flatnonzero(unconfirmed), np.setdiff1d(high, partner)
    gain = overlap[np.ix_(young, left)]
    _match(partner, young, left, (gain * seen.score[left] if params.fuse_score else gain) - MIN_IOU_UNCONFIRMED)
    return partner


def find_survivors(active: ActiveTracks, frame: int, max_gap: int, params: TrackParams) -> NDArray[np.bool_]:
    """(n,) whether a track goes on after `frame`, in which it was matched, started or missed."""
    is_matched = active.last_frame == frame
    survives = is_matched | (~find_unconfirmed(active, params) & (frame - active.last_frame <= max_gap + LATE_REMOVAL))
    matched, lost = np.flatnonzero(is_matched), np.flatnonzero(survives & ~is_matched)
    overlap = pairwise_iou(active.xyxy[matched], active.xyxy[lost])
    pair = np.argwhere((overlap > MIN_DUPLICATE_IOU) & (active.class_id[matched][:, None] == active.class_id[lost]))
    span = active.last_frame - active.first_frame
    older = span[matched[pair[:, 0]]] > span[lost[pair[:, 1]]]
    survives[lost[pair[older, 1]]] = False
    survives[matched[pair[~older, 0]]] = False
    return survives


def find_unconfirmed(active: ActiveTracks, params: TrackParams) -> NDArray[np.bool_]:
    """(n,) whether a track has too few detections; those of the first frame are trusted."""
    return (active.hits < params.n_init) & (active.first_frame > 0)


def _match(partner: Indices, tracks: Indices, found: Indices, gain: Floats) -> None:
    row, column = solve_assignment(gain)
    partner[tracks[row]] = found[column]
