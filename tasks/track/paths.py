"""From detections that belong together to the table of tracks: smooth paths without holes.

Smoothing is Whittaker's (1923; Eilers, "A perfect smoother", 2003): the path x that minimises
sum of score * (z - x)^2 + smoothing * (second differences of x)^2. It is the Kalman (RTS) smoother of a
constant-velocity model whose only noise is in the velocity, with measurement noise falling as scores rise, solved at
once as a banded system; in gaps, where there is nothing to be near to, it goes on as smoothly as possible.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tasks.artifacts.detections import Detections
from tasks.artifacts.tracks import Tracks
from tasks.geometry.boxes import cxcywh_to_xyxy, xyxy_to_cxcywh
from tasks.track.tracklets import Tracklets

if TYPE_CHECKING:
    from tasks.track.stage import TrackParams

Floats = NDArray[np.float64]
LEAST_WEIGHT = 0.01  # of a detection without any score, so that the system stays well posed


def render(detections: Detections, tracklets: Tracklets, params: TrackParams) -> Tracks:
    """The table of tracks: a row per detection, and per frame between them where gaps are filled."""
    xyxy = detections.xyxy.astype(np.float64)
    frames: list[NDArray[np.int32]] = []
    boxes: list[Floats] = []
    sources: list[NDArray[np.int32]] = []
    for first, last in zip(tracklets.first, tracklets.last, strict=True):
        rows = tracklets.detection[first : last + 1]
        frame = detections.frame[rows]
        source = np.full(frame[-1] - frame[0] + 1, -1, np.int32)
        source[frame - frame[0]] = rows
        path = smooth_path(frame - frame[0], xyxy[rows], detections.score[rows], params.smoothing)
        wanted = np.arange(len(source)) if params.fill else frame - frame[0]
        frames.append((frame[0] + wanted).astype(np.int32))
        boxes.append(path[wanted])
        sources.append(source[wanted])
    return _table(detections, tracklets, frames, boxes, sources)


def smooth_path(time: NDArray[np.int32], xyxy: Floats, score: NDArray[np.float32], smoothing: float) -> Floats:
    """(t, 4) xyxy boxes at times 0, 1, ... up to the last of `time`, which starts at 0.

    Without smoothing they are the boxes given, and straight lines between them.
    """
    steps = np.arange(time[-1] + 1)
    if not smoothing or len(steps) < 3:
        return np.stack([np.interp(steps, time, side) for side in xyxy.T], axis=1)
    weight, target = np.zeros(len(steps)), np.zeros((len(steps), 4))
    weight[time], target[time] = np.maximum(score, LEAST_WEIGHT), xyxy_to_cxcywh(xyxy)
    return cxcywh_to_xyxy(whittaker(target, weight, smoothing))


def whittaker(target: Floats, weight: Floats, smoothing: float) -> Floats:
    """(t, k) minimiser of sum(weight * (target - x)^2) + smoothing * sum(second differences of x, squared), t >= 3."""
    from scipy.linalg import solveh_banded

    bands = np.zeros((3, len(weight)))  # upper form: bands[2] the diagonal, bands[1] and bands[0] the two above it
    bands[2] = weight
    for shift, square in ((0, 1), (1, 4), (2, 1)):  # (1, -2, 1) squared, entry by entry
        bands[2, shift : len(weight) - 2 + shift] += smoothing * square
    bands[1, 1:-1] -= 2 * smoothing
    bands[1, 2:] -= 2 * smoothing
    bands[0, 2:] += smoothing
    return np.asarray(solveh_banded(bands, weight[:, None] * target))


def _table(
    detections: Detections,
    tracklets: Tracklets,
    frames: list[NDArray[np.int32]],
    boxes: list[Floats],
    sources: list[NDArray[np.int32]],
) -> Tracks:
    facts = {"frame_count": detections.frame_count, "width": detections.width, "height": detections.height}
    if not frames:
        return Tracks.empty(**facts)
    owner = np.repeat(np.arange(len(frames)), [len(frame) for frame in frames])
    frame, source, box = np.concatenate(frames), np.concatenate(sources), np.concatenate(boxes).astype(np.float32)
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
        **facts,
    )
