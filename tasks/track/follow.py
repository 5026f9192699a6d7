"""The first pass: frame by frame, tracks are predicted, matched and corrected, born and let go.

What is remembered of the past is which detection went where: as much as the table of tracks needs, and nothing else
grows with the length of the video.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from tasks.arrays import Floats, Indices
from tasks.artifacts.detections import Detections
from tasks.track.association import Seen, associate
from tasks.track.carried import Carried, displaced, hidden
from tasks.track.live import Live
from tasks.track.sight import BLIND, Sight
from tasks.track.tracklets import Tracklets

if TYPE_CHECKING:
    from tasks.track.params import TrackParams

YOUNG_GAP = 1  # frames that a track with fewer than n_init detections survives: detectors flicker before they are sure


def follow(detections: Detections, params: TrackParams, sight: Sight = BLIND) -> tuple[Tracklets, Carried]:
    """Tracklets of at least `n_init` detections whose gaps are no longer than `max_gap` frames, and what fills them."""
    xyxy, score = detections.xyxy.astype(np.float64), detections.score.astype(np.float64)
    boxes = Seen(xyxy, score, detections.class_id, np.empty((len(score), 0), np.float32))
    usable = np.flatnonzero(score >= params.low_score)
    usable = usable[np.lexsort((-score[usable], detections.frame[usable]))]
    bounds = np.searchsorted(detections.frame[usable], np.arange(detections.frame_count + 1))
    live = Live.born(0, 0, usable[:0], _seen(boxes, usable[:0], 0, sight))
    born = 0
    names: list[Indices] = []
    rows: list[Indices] = []
    carried: list[tuple[Indices, Indices, Floats]] = []
    for frame in range(detections.frame_count):
        here = usable[bounds[frame] : bounds[frame + 1]]
        if not len(here) and not len(live.name):
            continue
        seen = _seen(boxes, here, frame, sight)
        if sight.flow is not None and frame:
            live.hold(*displaced(sight.flow, frame - 1, live.held))
        homography = sight.camera.homographies[frame - 1] if sight.camera is not None and frame else None
        partner = associate(live.predict(homography), seen, params)
        matched = np.flatnonzero(partner >= 0)
        live.correct(matched, frame, here[partner[matched]], seen.take(partner[matched]), params)
        names.append(live.name[matched])
        rows.append(here[partner[matched]])
        if sight.flow is not None and frame:
            carried.append(_carried(live, np.flatnonzero(partner < 0), frame, seen))
        live.keep(frame - live.last_frame <= patience(live.hits, params))

        new = seen.score >= params.high_score
        new[partner[matched]] = False
        if new.any():
            live.add(Live.born(born, frame, here[new], seen.take(np.flatnonzero(new))))
            rows.append(here[new])
            names.append(np.arange(born, born + len(rows[-1])))
            born += len(rows[-1])
    tracklets = Tracklets.of(np.concatenate([usable[:0], *names]), np.concatenate([usable[:0], *rows]))
    return tracklets.only(tracklets.size >= params.n_init), Carried.of(carried)


def patience(hits: Indices, params: TrackParams) -> Indices:
    """(n,) frames without a detection that a track with so many of them survives."""
    return np.where(hits < params.n_init, min(YOUNG_GAP, params.max_gap), params.max_gap)


def _seen(boxes: Seen, rows: Indices, frame: int, sight: Sight) -> Seen:
    here = boxes.take(rows)
    return replace(here, look=sight.looks(frame, here.xyxy))


def _carried(live: Live, lost: Indices, frame: int, seen: Seen) -> tuple[Indices, Indices, Floats]:
    """(after, frame, xyxy) of the boxes that flow still holds though nothing was detected there; see `Carried`."""
    held = live.held[lost]
    there = held.any(axis=1) & ~hidden(held, seen.xyxy)
    live.held[lost[~there]] = 0
    return live.last_row[lost[there]], np.full(there.sum(), frame), held[there]
