"""Overlap of tracked boxes and error of tracked points, against the truth of a scene.

Boxes as in OTB (Wu, Lim and Yang, "Object tracking benchmark", TPAMI 2015): mean IoU, and the share of frames with
an IoU of at least .5 (success rate). Points: the share found within MAX_ERROR_PX, as TAP-Vid's position accuracy with
one threshold (Doersch et al., 2022), and survival as in PointOdyssey (Zheng et al., ICCV 2023) with MAX_DRIFT_PX.
The frame in which the box or the points are given does not count, nor do frames in which the truth is hidden.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.arrays import Floats, Mask, Points32
from tasks.geometry.bounding_boxes import pairwise_iou
from tasks.point_tracking.point_tracker import PointTracks

MIN_IOU = 0.5
MAX_ERROR_PX = 4.0  # of a point that is found
MAX_DRIFT_PX = 16.0  # a track fails where it is farther off: beyond it lies another part of an object of the scenes


@dataclass(frozen=True)
class PointScores:
    """Scores of the tracks of one scene."""

    within: float
    """Share of the places where a point is seen at which it is reported visible, at most MAX_ERROR_PX off."""
    survival: float
    """Mean over the points of the share of frames before the track fails for the first time."""


def compute_box_overlaps(tracked: Iterable[tuple[int, Floats, bool]], truth: NDArray[np.float32]) -> Floats:
    """(n,) IoU in the frames after the first in which the object is seen; 0 where it is reported lost, or not at all.

    `tracked` has rows of frame, (4,) xyxy and whether the object was found, `truth` is (t, 4) with NaN where nothing
    of the object is seen.
    """
    found = np.full(truth.shape, np.nan)
    for frame, box, is_found in tracked:
        if is_found:
            found[frame] = box
    seen: Mask = np.isfinite(truth).all(axis=1) & (np.arange(len(truth)) > 0)
    overlaps = np.diag(pairwise_iou(found[seen], truth[seen].astype(np.float64)))
    return np.nan_to_num(overlaps, nan=0.0)


def score_points(tracks: PointTracks, truth: Points32, seen: Mask) -> PointScores:
    """Scores of tracks whose points are given in frame 0; `truth` is (t, n, 2), `seen` (t, n)."""
    error = np.linalg.norm(tracks.positions[1:] - truth[1:], axis=2)
    counted = seen[1:]
    is_found = tracks.visible[1:] & (error <= MAX_ERROR_PX)
    has_failed = np.logical_or.accumulate(counted & (error > MAX_DRIFT_PX), axis=0)
    return PointScores(within=float(is_found[counted].mean()), survival=float((~has_failed).mean()))
