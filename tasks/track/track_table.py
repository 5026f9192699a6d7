"""The table of tracks from tracklets: smoothed paths with filled gaps.

Smoothing is Whittaker's (1923; Eilers, "A perfect smoother", 2003): the path x that minimises
sum of score * (z - x)^2 + smoothing * (second differences of x)^2. It equals the Kalman (RTS) smoother of a
constant-velocity model whose only process noise is in the velocity, with measurement noise falling as scores rise,
solved at once as a banded system; in gaps, which have no data term, it is the smoothest continuation. Differences are
divided by the times between frames, so that variable frame rates give the same paths. Where the camera's motion is
known, its displacement of the path's centres is subtracted before and added back after, so that camera shake is not
smoothed away.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.arrays import Boxes, Floats, Points
from tasks.artifacts.detections import Detections
from tasks.artifacts.tracks import FLOW_PREDICTED, INTERPOLATED, Tracks
from tasks.geometry.bounding_boxes import cxcywh_to_xyxy, xyxy_to_cxcywh
from tasks.track.camera_motion import VideoCameraMotion, linearise_homography
from tasks.track.flow_propagated_boxes import NO_PROPAGATED_BOXES, FlowPropagatedBoxes
from tasks.track.frame_times import median_interval, relative_steps
from tasks.track.params import TrackParams
from tasks.track.tracklets import Tracklets

MIN_WEIGHT = 0.01  # of a detection without any score, so that the system stays well posed
PROPAGATED_WEIGHT = 0.3  # of a box propagated by flow: as a detection of that score, one of the lowest that are used


def build_track_table(
    detections: Detections,
    pts_s: Floats,
    tracklets: Tracklets,
    params: TrackParams,
    camera: VideoCameraMotion | None = None,
    *,
    propagated: FlowPropagatedBoxes = NO_PROPAGATED_BOXES,
) -> Tracks:
    """The table of tracks: a row per detection, and per frame between them that is propagated or interpolated.

    `pts_s` holds the times of all frames.
    """
    clock, smoothing = np.cumsum(relative_steps(pts_s)), smoothing_weight(params.smoothing_s, pts_s)
    frames: list[NDArray[np.int32]] = []
    boxes: list[NDArray[np.float32]] = []
    sources: list[NDArray[np.int32]] = []
    for first, last in zip(tracklets.first, tracklets.last, strict=True):
        rows = tracklets.detection[first : last + 1]
        between = propagated.find_in_gaps(rows, detections.frame[rows])
        frame = np.concatenate([detections.frame[rows], propagated.frame[between]])
        weight = np.concatenate([detections.score[rows], np.full(len(between), PROPAGATED_WEIGHT, np.float32)])
        origin = np.concatenate([rows, np.full(len(between), FLOW_PREDICTED)])
        order = np.argsort(frame)
        time, begin = (frame - frame[0])[order].astype(np.int32), int(frame[0])
        measured = np.concatenate([detections.take_boxes(rows), propagated.xyxy[between]])[order]
        source = np.full(time[-1] + 1, INTERPOLATED, np.int32)
        source[time] = origin[order]
        shift = np.zeros((len(source), 4))
        if camera is not None:
            shift = np.tile(camera_displacement(camera, begin, time, measured), 2)
        here = clock[begin : begin + len(source)]
        path = smooth_path(time, measured - shift[time], weight[order], smoothing, here) + shift
        wanted = np.flatnonzero((source != INTERPOLATED) | params.interpolate)
        frames.append((begin + wanted).astype(np.int32))
        boxes.append(path[wanted].astype(np.float32))
        sources.append(source[wanted])
    table = _assemble_table(detections, tracklets, frames, boxes, sources)
    return replace(table, pts_s=pts_s[table.frame])


def camera_displacement(camera: VideoCameraMotion, begin: int, time: NDArray[np.int32], xyxy: Boxes) -> Points:
    """(t, 2) pixels by which the camera has moved a path in the image since frame `begin`, at times 0, 1, ..."""
    centre = xyxy_to_cxcywh(xyxy)[:, :2]
    steps = np.arange(time[-1])
    points = np.stack([np.interp(steps, time, side) for side in centre.T], axis=1)
    moved = linearise_homography(camera.homographies[begin : begin + len(steps)], points)[0]
    return np.concatenate([np.zeros((1, 2)), np.cumsum(moved - points, axis=0)])


def smoothing_weight(period_s: float, pts_s: Floats) -> float:
    """Weight of the second differences that halves the amplitude of motion with a period of `period_s` seconds.

    For detections of score 1 on frames at the usual interval: (period in frames / 2 pi) ** 4.
    """
    return (period_s / median_interval(pts_s) / (2 * np.pi)) ** 4


def smooth_path(
    time: NDArray[np.int32], xyxy: Boxes, score: NDArray[np.float32], smoothing: float, clock: Floats
) -> Boxes:
    """(t, 4) xyxy boxes in the frames 0, 1, ... up to the last of `time`, which starts at 0.

    `clock` holds the (t,) times of these frames, in usual intervals. Without smoothing they are the given boxes,
    linearly interpolated in between.
    """
    if not smoothing or len(clock) < 3:  # noqa: PLR2004  a second difference needs three
        return np.stack([np.interp(clock, clock[time], side) for side in xyxy.T], axis=1)
    weight, target = np.zeros(len(clock)), np.zeros((len(clock), 4))
    weight[time], target[time] = np.maximum(score, MIN_WEIGHT), xyxy_to_cxcywh(xyxy)
    return cxcywh_to_xyxy(smooth_whittaker(target, weight, smoothing, clock))


def smooth_whittaker(target: Floats, weight: Floats, smoothing: float, clock: Floats) -> Floats:
    """(t, k) minimiser of sum(weight * (target - x)^2) + smoothing * sum(second differences of x, squared), t >= 3.

    Differences are divided ones over the (t,) increasing times `clock`: (1, -2, 1) where these are 1 apart.
    """
    from scipy.linalg import solveh_banded

    before, after = np.diff(clock)[:-1], np.diff(clock)[1:]
    both = before + after
    # Three coefficients, and the time that each second difference stands for.
    difference = np.sqrt(both / 2) * 2 * np.stack([1 / (before * both), -1 / (before * after), 1 / (after * both)])
    bands = np.zeros((3, len(weight)))  # upper form: bands[2] the diagonal, bands[1] and bands[0] the two above it
    bands[2] = weight
    for row in range(3):
        for column in range(row, 3):
            band = bands[2 - (column - row), column : len(weight) - 2 + column]
            band += smoothing * difference[row] * difference[column]
    return np.asarray(solveh_banded(bands, weight[:, None] * target))


def _assemble_table(
    detections: Detections,
    tracklets: Tracklets,
    frames: list[NDArray[np.int32]],
    boxes: list[NDArray[np.float32]],
    sources: list[NDArray[np.int32]],
) -> Tracks:
    """Rows sorted by frame, then track; tracks are numbered from 1."""
    size: dict[str, Any] = {
        "video": detections.video,
        "frame_count": detections.frame_count,
        "width": detections.width,
        "height": detections.height,
    }
    if not frames:
        return Tracks.empty(**size)
    owner = np.repeat(np.arange(len(frames)), [len(frame) for frame in frames])
    frame, source, box = np.concatenate(frames), np.concatenate(sources), np.concatenate(boxes)
    order = np.lexsort((owner, frame))
    frame, source, box, owner = frame[order], source[order], box[order], owner[order]
    first = tracklets.detection[tracklets.first][owner]
    return Tracks(
        frame=frame,
        track_id=(owner + 1).astype(np.int32),
        class_id=detections.class_id[first],
        class_name=detections.class_name[first],
        score=np.where(source >= 0, detections.score[source], 0).astype(np.float32),
        x1=box[:, 0],
        y1=box[:, 1],
        x2=box[:, 2],
        y2=box[:, 3],
        detection=source,
        **size,
    )
