"""Online tracking, the first pass over the frames.

Per frame, tracks are predicted, matched with detections, updated, started and ended.
The result is which detection belongs to which tracklet; nothing else that is kept grows with the length of the video.
"""

from __future__ import annotations

from array import array

import numpy as np
from numpy.typing import NDArray

from tasks.arrays import Floats, Indices
from tasks.artifacts.detections import Detections
from tasks.track.active_tracks import ActiveTracks
from tasks.track.association import FrameDetections, associate_detections
from tasks.track.box_state import BoxState
from tasks.track.byte_life_cycle import find_survivors, predict_and_associate
from tasks.track.duplicate_detections import find_distinct
from tasks.track.flow_propagated_boxes import FlowPropagatedBoxes, find_occluded, median_box_flow
from tasks.track.frame_times import TOLERANCE_S, median_interval, relative_steps
from tasks.track.params import TrackParams
from tasks.track.tracklets import Tracklets
from tasks.track.visual_cues import NO_CUES, VisualCues

TENTATIVE_MAX_GAP = 1  # frames; a track with fewer than n_init detections survives so many, as new detections flicker


def form_tracklets(
    detections: Detections, pts_s: Floats, params: TrackParams, cues: VisualCues = NO_CUES
) -> tuple[Tracklets, FlowPropagatedBoxes]:
    """Tracklets of at least `n_init` detections with gaps of at most `max_gap_s`, and boxes for the gaps.

    `pts_s` holds the times of all frames.
    """
    usable = np.flatnonzero(detections.score.astype(np.float64) >= params.low_score)
    usable = usable[np.lexsort((-detections.score[usable], detections.frame[usable]))]
    bounds = np.searchsorted(detections.frame[usable], np.arange(detections.frame_count + 1))
    steps = relative_steps(pts_s)
    max_gap = round(params.max_gap_s / median_interval(pts_s))
    box = BoxState(params.filter_state)
    active = ActiveTracks.from_detections(0, 0, usable[:0], _take_detections(detections, usable[:0], 0, cues), box)
    started = 0
    numbers, rows = array("q"), array("q")  # 8 bytes each: small arrays of a frame each would take ten times as much
    propagated: list[tuple[Indices, Indices, Floats]] = []
    for frame in range(detections.frame_count):
        here = usable[bounds[frame] : bounds[frame + 1]]
        if params.duplicate_iou < 1 and len(here) > 1:
            xyxy = detections.take_boxes(here)
            here = here[find_distinct(xyxy, detections.class_id[here], params.duplicate_iou)]
        if not len(here) and not len(active.number):
            continue
        seen = _take_detections(detections, here, frame, cues)
        if cues.dense_flow is not None and frame:
            active.propagate_by_flow(*median_box_flow(cues.dense_flow, frame - 1, active.flow_xyxy))
        homography = cues.camera_motion.homographies[frame - 1] if cues.camera_motion is not None and frame else None
        if params.life_cycle == "bytetrack":
            partner = predict_and_associate(active, seen, frame, params, homography)
        else:
            partner = associate_detections(active.predict(homography, steps[frame]), seen, params)
        matched = np.flatnonzero(partner >= 0)
        active.update(matched, frame, here[partner[matched]], seen.take(partner[matched]), params)
        if cues.dense_flow is not None and frame:
            propagated.append(_propagated_boxes(active, np.flatnonzero(partner < 0), frame, seen))
        if params.life_cycle == "uniform":
            missed_s = pts_s[frame] - pts_s[active.last_frame]
            active.keep_tracks(may_continue(active.hits, frame - active.last_frame, missed_s, params))

        new = seen.score >= params.high_score
        new[partner[matched]] = False
        if new.any():
            first = seen.take(np.flatnonzero(new))
            active.append_tracks(ActiveTracks.from_detections(started, frame, here[new], first, box))
            started += len(first.score)
        if params.life_cycle == "bytetrack":
            active.keep_tracks(find_survivors(active, frame, max_gap, params))
        is_here = active.last_frame == frame
        numbers.extend(active.number[is_here].tolist())
        rows.extend(active.last_detection[is_here].tolist())
    tracklets = Tracklets.from_pairs(np.array(numbers, np.intp), np.array(rows, np.intp))
    return tracklets.select_tracklets(tracklets.size >= params.n_init), FlowPropagatedBoxes.from_frames(propagated)


def may_continue(hits: Indices, missed: Indices, missed_s: Floats, params: TrackParams) -> NDArray[np.bool_]:
    """(n,) whether tracks with `hits` detections survive `missed` frames, or seconds, without one."""
    is_recent = missed_s <= params.max_gap_s + TOLERANCE_S
    return is_recent & ((hits >= params.n_init) | (missed <= TENTATIVE_MAX_GAP))


def _take_detections(detections: Detections, rows: Indices, frame: int, cues: VisualCues) -> FrameDetections:
    """The detections of one frame: in double precision, which would take twice the bytes of those of a film."""
    xyxy = detections.take_boxes(rows)
    score = detections.score[rows].astype(np.float64)
    return FrameDetections(xyxy, score, detections.class_id[rows], cues.embed_boxes(frame, xyxy))


def _propagated_boxes(
    active: ActiveTracks, lost: Indices, frame: int, seen: FrameDetections
) -> tuple[Indices, Indices, Floats]:
    """(last_detection, frame, xyxy) of the boxes that flow propagates to a frame without a detection of the track."""
    boxes = active.flow_xyxy[lost]
    is_visible = boxes.any(axis=1) & ~find_occluded(boxes, seen.xyxy)
    active.flow_xyxy[lost[~is_visible]] = 0
    return active.last_detection[lost[is_visible]], np.full(is_visible.sum(), frame), boxes[is_visible]
