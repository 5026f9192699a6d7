"""Which detection of a frame continues which track: rounds of matching, each over what the rounds before left.

Sources: ByteTrack (Zhang et al., ECCV 2022), high scores first, then low ones; OC-SORT (Cao et al., CVPR 2023),
momentum in the first round and a last round against the boxes last seen.
We differ from ByteTrack in that tracks lost a few frames ago take part in the second round too, and that young tracks
need no round of their own, as what they come to is known by the end of the video.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tasks.geometry.boxes import pairwise_iou
from tasks.track.assignment import assign
from tasks.track.motion import agreement

if TYPE_CHECKING:
    from tasks.track.stage import TrackParams

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]
SOME_GAIN = 1e-6  # what a pair past the overlap gate keeps when its direction speaks against it


@dataclass(frozen=True)
class Seen:
    """The detections of one frame, best score first."""

    xyxy: Floats
    score: Floats
    class_id: NDArray[np.int16]


@dataclass(frozen=True)
class Expected:
    """What the tracks lead us to expect in that frame, oldest track first."""

    xyxy: Floats
    """(n, 4) predicted boxes."""
    last_xyxy: Floats
    """(n, 4) boxes last seen."""
    recent: Floats
    """(n, k, 3) latest observations, see `motion`."""
    class_id: NDArray[np.int16]


def associate(expected: Expected, seen: Seen, params: TrackParams) -> Indices:
    """(n,) the detection that continues each track, or -1; no detection continues two."""
    partner = np.full(len(expected.xyxy), -1)
    if not len(partner) or not len(seen.score):
        return partner
    same_class = expected.class_id[:, None] == seen.class_id
    overlap = pairwise_iou(expected.xyxy, seen.xyxy) * same_class
    high = seen.score >= params.high_score
    strong, weak = np.flatnonzero(high), np.flatnonzero(~high & (seen.score >= params.low_score))

    track, found = assign(first_gain(overlap[:, strong], expected, seen, strong, params))
    partner[track] = strong[found]
    free = np.flatnonzero(partner < 0)
    track, found = assign(overlap[free[:, None], weak] - params.min_iou_low)
    partner[free[track]] = weak[found]
    if params.recovery:
        free, left = np.flatnonzero(partner < 0), np.setdiff1d(strong, partner)
        near = pairwise_iou(expected.last_xyxy[free], seen.xyxy[left]) * same_class[free[:, None], left]
        track, found = assign(near - params.min_iou)
        partner[free[track]] = left[found]
    return partner


def first_gain(overlap: Floats, expected: Expected, seen: Seen, strong: Indices, params: TrackParams) -> Floats:
    """(n, len(strong)) gain of the first round: overlap past the gate, and direction among what passes."""
    gain = (overlap * seen.score[strong] if params.fuse_score else overlap) - params.min_iou
    if not params.momentum:
        return gain
    centre = (seen.xyxy[strong, :2] + seen.xyxy[strong, 2:]) / 2
    bonus = params.momentum * agreement(expected.recent, centre) * seen.score[strong]
    return np.where(gain > 0, np.maximum(gain + bonus, SOME_GAIN), 0)
