"""The first pass: frame by frame, tracks are predicted, matched and corrected, born and let go.

All live tracks are rows of the same arrays, oldest first. What is remembered of the past is which detection went where:
as much as the table of tracks needs, and nothing else grows with the length of the video.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tasks.artifacts.detections import Detections
from tasks.geometry.boxes import cxcywh_to_xyxy, xyxy_to_cxcywh
from tasks.track import kalman
from tasks.track.association import Expected, Seen, associate
from tasks.track.motion import remember
from tasks.track.tracklets import Tracklets

if TYPE_CHECKING:
    from tasks.track.stage import TrackParams

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]
YOUNG_GAP = 1  # frames that a track with fewer than n_init detections survives: detectors flicker before they are sure


@dataclass
class Live:
    """The tracks that may still go on, a row each; `follow` alone changes them, in place."""

    name: Indices
    """Number of the track, never reused."""
    mean: Floats
    covariance: Floats
    class_id: NDArray[np.int16]
    hits: Indices
    """Detections so far."""
    last_frame: Indices
    """Frame of the latest detection."""
    last_xyxy: Floats
    """Its box."""
    recent: Floats
    """(n, k, 3) latest observations, see `motion`."""

    @classmethod
    def born(cls, first_name: int, frame: int, xyxy: Floats, class_id: NDArray[np.int16]) -> Live:
        """Tracks that begin with the boxes `xyxy`."""
        n, measured = len(xyxy), xyxy_to_cxcywh(xyxy)
        return cls(
            np.arange(first_name, first_name + n),
            *kalman.initiate(measured),
            class_id,
            np.ones(n, np.intp),
            np.full(n, frame),
            xyxy,
            remember(frame, measured[:, :2]),
        )

    def predict(self) -> Expected:
        """Carry all tracks one frame on."""
        self.mean, self.covariance = kalman.predict(self.mean, self.covariance)
        return Expected(cxcywh_to_xyxy(self.mean[:, 0]), self.last_xyxy, self.recent, self.class_id)

    def correct(self, rows: Indices, frame: int, xyxy: Floats) -> None:
        """Let the tracks in `rows` have seen the boxes `xyxy`."""
        measured = xyxy_to_cxcywh(xyxy)
        self.mean[rows], self.covariance[rows] = kalman.update(self.mean[rows], self.covariance[rows], measured)
        self.recent[rows] = remember(frame, measured[:, :2], self.recent[rows])
        self.hits[rows] += 1
        self.last_frame[rows] = frame
        self.last_xyxy[rows] = xyxy

    def keep(self, wanted: NDArray[np.bool_]) -> None:
        """Let go of the others."""
        if not wanted.all():
            for field in fields(self):
                setattr(self, field.name, getattr(self, field.name)[wanted])

    def add(self, others: Live) -> None:
        """Append the rows of `others`."""
        for field in fields(self):
            setattr(self, field.name, np.concatenate([getattr(self, field.name), getattr(others, field.name)]))


def follow(detections: Detections, params: TrackParams) -> Tracklets:
    """Tracklets of at least `n_init` detections whose gaps are no longer than `max_gap` frames."""
    xyxy, score = detections.xyxy.astype(np.float64), detections.score.astype(np.float64)
    usable = np.flatnonzero(score >= params.low_score)
    usable = usable[np.lexsort((-score[usable], detections.frame[usable]))]
    bounds = np.searchsorted(detections.frame[usable], np.arange(detections.frame_count + 1))
    live = Live.born(0, 0, np.empty((0, 4)), np.empty(0, np.int16))
    born = 0
    names: list[Indices] = []
    rows: list[Indices] = []
    for frame in range(detections.frame_count):
        here = usable[bounds[frame] : bounds[frame + 1]]
        if not len(here) and not len(live.name):
            continue
        seen = Seen(xyxy[here], score[here], detections.class_id[here])
        partner = associate(live.predict(), seen, params)
        matched = np.flatnonzero(partner >= 0)
        live.correct(matched, frame, seen.xyxy[partner[matched]])
        names.append(live.name[matched])
        rows.append(here[partner[matched]])
        live.keep(frame - live.last_frame <= patience(live.hits, params))

        new = seen.score >= params.high_score
        new[partner[matched]] = False
        if new.any():
            live.add(Live.born(born, frame, seen.xyxy[new], seen.class_id[new]))
            rows.append(here[new])
            names.append(np.arange(born, born + len(rows[-1])))
            born += len(rows[-1])
    tracklets = Tracklets.of(np.concatenate([usable[:0], *names]), np.concatenate([usable[:0], *rows]))
    return tracklets.only(tracklets.size >= params.n_init)


def patience(hits: Indices, params: TrackParams) -> Indices:
    """(n,) frames without a detection that a track with so many of them survives."""
    return np.where(hits < params.n_init, min(YOUNG_GAP, params.max_gap), params.max_gap)
