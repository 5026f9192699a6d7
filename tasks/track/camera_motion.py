"""What the camera did between neighbouring frames, and where that takes points.

Source: camera motion compensation as in Aharon et al., "BoT-SORT" (2022), section 3.2.
We differ in that the motion is a homography, seen at each place as its first-order change there, instead of one affine
map for the whole frame, and that it comes from dense flow instead of sparse corners. The dense flow artifact carries a
homography per pair that was fitted to all trusted vectors of the frame; here detections are known, so it is fitted
anew to what lies outside their boxes, and the artifact's own is taken where too little is left.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tasks.arrays import Floats, Indices
from tasks.artifacts.dense_flow import DenseFlow
from tasks.artifacts.detections import Detections

MIN_INLIER_SHARE = (
    0.3  # share of vectors: where fewer agree there is no motion of the whole, and the camera counts as still
)
MAX_SCALE_CHANGE = 1.5  # between two frames, anywhere in the picture: more is a failed fit, not a zoom
MIN_RELATIVE_DEPTH = (
    0.1  # depth relative to the origin's: a place nearer to the homography's horizon has no image worth having
)


@dataclass(frozen=True, eq=False)
class VideoCameraMotion:
    """The camera's motion over a video."""

    homographies: Floats
    """(frames - 1, 3, 3) pixels of frame i to pixels of frame i + 1, last entry 1."""

    def carry(self, place: Floats, start: Indices, stop: Indices) -> tuple[Floats, Floats]:
        """Where (n, 2) places of what stands still go from frame `start` to `stop`, and (n, 2, 2) what turns steps.

        Step by step, as the motion over a whole video would lose all meaning far from where it began.
        """
        place, turn = place.copy(), np.tile(np.eye(2), (len(place), 1, 1))
        back = np.asarray(np.linalg.inv(self.homographies), np.float64)
        for step in range(int(np.abs(stop - start).max(initial=0))):
            for sign in (1, -1):
                rows = np.flatnonzero(sign * (stop - start) > step)
                if not len(rows):
                    continue
                pair = start[rows] + sign * step - (sign < 0)
                place[rows], by = linearise_homography((self.homographies if sign > 0 else back)[pair], place[rows])
                turn[rows] = by @ turn[rows]
        return place, turn


def linearise_homography(homography: Floats, place: Floats) -> tuple[Floats, Floats]:
    """(n, 2) where a (3, 3) or (n, 3, 3) homography takes (n, 2) places, and (n, 2, 2) its derivative there."""
    seen = np.einsum("...ij,nj->ni" if homography.ndim == 2 else "nij,nj->ni", homography[..., :2], place)
    seen = seen + homography[..., 2]
    depth = seen[:, 2:]
    far = depth[:, 0] > MIN_RELATIVE_DEPTH * np.abs(homography[..., 2, 2])
    depth = np.where(far[:, None], depth, 1)
    moved = seen[:, :2] / depth
    turn = (homography[..., :2, :2] - moved[:, :, None] * homography[..., 2:, :2]) / depth[:, :, None]
    return np.where(far[:, None], moved, place), np.where(far[:, None, None], turn, np.eye(2))


def scale_change(turn: Floats) -> Floats:
    """(n,) how much larger things get."""
    return np.sqrt(np.abs(np.linalg.det(turn)))


def estimate_camera_motion(dense_flow: DenseFlow, detections: Detections, low_score: float) -> VideoCameraMotion:
    """The camera's motion from what lies outside the boxes of detections that score at least `low_score`."""
    from tasks.geometry.homography import estimate_camera_motion

    bounds = np.searchsorted(detections.frame, np.arange(len(dense_flow) + 2))
    xyxy, good = detections.xyxy, detections.score >= low_score
    found = np.tile(np.eye(3), (len(dense_flow), 1, 1))
    for pair in np.flatnonzero(dense_flow.known).tolist():
        here = slice(bounds[pair], bounds[pair + 1])
        motion = estimate_camera_motion(dense_flow.forward(pair), dense_flow.valid(pair), xyxy[here][good[here]])
        homography, inliers = motion.homography, motion.inliers
        if not inliers:
            homography, inliers = dense_flow.camera(pair), float(dense_flow.camera_inliers[pair])
        if inliers >= MIN_INLIER_SHARE and _is_plausible(homography, dense_flow.width, dense_flow.height):
            found[pair] = homography
    return VideoCameraMotion(found)


def _is_plausible(homography: Floats, width: int, height: int) -> bool:
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float64)
    sizes = scale_change(linearise_homography(homography, corners)[1])
    return bool((sizes < MAX_SCALE_CHANGE).all() and (sizes > 1 / MAX_SCALE_CHANGE).all())
