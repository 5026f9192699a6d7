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
from tasks.track.active_tracks import ActiveTracks
from tasks.track.association import FrameDetections, associate_detections
from tasks.track.flow_propagated_boxes import FlowPropagatedBoxes, find_occluded, median_box_flow
from tasks.track.tracklets import Tracklets
from tasks.track.visual_cues import NO_CUES, VisualCues

if TYPE_CHECKING:
    from tasks.track.params import TrackParams

TENTATIVE_MAX_GAP = (
    1  # frames that a track with fewer than n_init detections survives: detectors flicker before they are sure
)


def form_tracklets(
    detections: Detections, params: TrackParams, sight: VisualCues = NO_CUES
) -> tuple[Tracklets, FlowPropagatedBoxes]:
    """Tracklets of at least `n_init` detections whose gaps are no longer than `max_gap` frames, and what fills them."""
    xyxy, score = detections.xyxy.astype(np.float64), detections.score.astype(np.float64)
    boxes = FrameDetections(xyxy, score, detections.class_id, np.empty((len(score), 0), np.float32))
    usable = np.flatnonzero(score >= params.low_score)
    usable = usable[np.lexsort((-score[usable], detections.frame[usable]))]
    bounds = np.searchsorted(detections.frame[usable], np.arange(detections.frame_count + 1))
    live = ActiveTracks.born(0, 0, usable[:0], _frame_detections(boxes, usable[:0], 0, sight))
    born = 0
    names: list[Indices] = []
    rows: list[Indices] = []
    carried: list[tuple[Indices, Indices, Floats]] = []
    for frame in range(detections.frame_count):
        here = usable[bounds[frame] : bounds[frame + 1]]
        if not len(here) and not len(live.name):
            continue
        seen = _frame_detections(boxes, here, frame, sight)
        if sight.flow is not None and frame:
            live.hold(*median_box_flow(sight.flow, frame - 1, live.held))
        homography = sight.camera.homographies[frame - 1] if sight.camera is not None and frame else None
        partner = associate_detections(live.predict(homography), seen, params)
        matched = np.flatnonzero(partner >= 0)
        live.correct(matched, frame, here[partner[matched]], seen.take(partner[matched]), params)
        names.append(live.name[matched])
        rows.append(here[partner[matched]])
        if sight.flow is not None and frame:
            carried.append(_propagated_boxes(live, np.flatnonzero(partner < 0), frame, seen))
        live.keep(frame - live.last_frame <= max_missed_frames(live.hits, params))

        new = seen.score >= params.high_score
        new[partner[matched]] = False
        if new.any():
            live.add(ActiveTracks.born(born, frame, here[new], seen.take(np.flatnonzero(new))))
            rows.append(here[new])
            names.append(np.arange(born, born + len(rows[-1])))
            born += len(rows[-1])
    tracklets = Tracklets.of(np.concatenate([usable[:0], *names]), np.concatenate([usable[:0], *rows]))
    return tracklets.only(tracklets.size >= params.n_init), FlowPropagatedBoxes.of(carried)


def max_missed_frames(hits: Indices, params: TrackParams) -> Indices:
    """(n,) frames without a detection that a track with so many of them survives."""
    return np.where(hits < params.n_init, min(TENTATIVE_MAX_GAP, params.max_gap), params.max_gap)


def _frame_detections(boxes: FrameDetections, rows: Indices, frame: int, sight: VisualCues) -> FrameDetections:
    here = boxes.take(rows)
    return replace(here, look=sight.looks(frame, here.xyxy))


def _propagated_boxes(
    live: ActiveTracks, lost: Indices, frame: int, seen: FrameDetections
) -> tuple[Indices, Indices, Floats]:
    """(after, frame, xyxy) of the boxes that flow still holds though nothing was detected there; see `Carried`."""
    held = live.held[lost]
    there = held.any(axis=1) & ~find_occluded(held, seen.xyxy)
    live.held[lost[~there]] = 0
    return live.last_row[lost[there]], np.full(there.sum(), frame), held[there]
