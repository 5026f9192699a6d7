"""Point tracking by sparse Lucas-Kanade optical flow from frame to frame, without features and without occlusion.

A point ends, and is hidden from then on, where its forward-backward error is too large (geometry/lucas_kanade.py), at
the end of its shot, and where it leaves the image; it is never found again. The baseline beside point_tracker.py.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.arrays import GrayImage
from tasks.geometry import lucas_kanade
from tasks.point_tracking.point_tracker import PointTrackingInputs, PointTracks


def track_by_lucas_kanade(inputs: PointTrackingInputs, frame: int, points: NDArray[Any], length: int) -> PointTracks:
    """Tracks of the (n, 2) `points` of `frame` over frames 0..length - 1, in both directions from there.

    Confidence is 1 where a point is visible and 0 where it is hidden, at the place where it was visible last. Frames
    without image are skipped, and points are hidden on them.
    """
    tracks = PointTracks.empty(length, len(points))
    tracks.positions[:] = np.asarray(points, np.float32)
    tracks.visible[frame] = True
    for order in (range(frame + 1, length), range(frame - 1, -1, -1)):
        _track_one_way(inputs, frame, order, tracks)
    tracks.confidence[:] = tracks.visible
    return tracks


def _track_one_way(inputs: PointTrackingInputs, start: int, order: Iterable[int], tracks: PointTracks) -> None:
    image = _gray_image(inputs, start)
    at, alive, before = tracks.positions[start].copy(), np.ones(tracks.positions.shape[1], np.bool_), start
    for now in order:
        if inputs.boundary[min(before, now) : max(before, now)].any():
            alive[:] = False
        following = _gray_image(inputs, now) if alive.any() else None
        if following is not None and image is not None:
            found = lucas_kanade.track_points(image, following, at[alive])
            index = np.flatnonzero(alive)[found.index]
            alive = np.zeros_like(alive)
            alive[index], at[index] = True, found.second
            tracks.visible[now], image, before = alive, following, now
        tracks.positions[now] = at


def _gray_image(inputs: PointTrackingInputs, frame: int) -> GrayImage | None:
    image: Any = inputs.image(frame)
    return None if image is None else cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
