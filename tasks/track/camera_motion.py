"""The camera's motion between neighbouring frames as homographies, and its effect on points and sizes.

Source: camera motion compensation as in Aharon et al., "BoT-SORT" (2022), section 3.2.
We differ in two ways. The motion is a homography, applied by its first-order approximation (the Jacobian) at each
point, instead of one affine map for the whole frame. And it comes from dense flow instead of sparse corners: the dense
flow artifact has a homography per pair, fitted to all trusted vectors of the frame; here detections are known, so it is
fitted again to the vectors outside their boxes, and the artifact's own is the fallback where too few are left.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tasks.arrays import Floats, Indices, Points
from tasks.artifacts.dense_flow import DenseFlow
from tasks.artifacts.detections import Detections

MIN_INLIER_SHARE = 0.3  # of the vectors; with fewer there is no common motion, and the camera is taken as still
MAX_SCALE_CHANGE = 1.5  # between two frames, at any corner; above it the fit has failed
MIN_RELATIVE_DEPTH = 0.1  # of a point, relative to the origin's depth; nearer to the horizon it is left where it is


@dataclass(frozen=True, eq=False)
class VideoCameraMotion:
    """The camera's motion over a video."""

    homographies: Floats
    """(frames - 1, 3, 3) pixels of frame i to pixels of frame i + 1, last entry 1."""

    def warp_points(self, points: Points, start: Indices, stop: Indices) -> tuple[Points, Floats]:
        """(n, 2) points of the static scene at frame `stop`, from `points` at frame `start`, and (n, 2, 2) Jacobians.

        Applied frame by frame: a product of many homographies would be meaningless far from its origin.
        """
        points, jacobian = points.copy(), np.tile(np.eye(2), (len(points), 1, 1))
        for step in range(int(np.abs(stop - start).max(initial=0))):
            for sign in (1, -1):
                rows = np.flatnonzero(sign * (stop - start) > step)
                if not len(rows):
                    continue
                pair = start[rows] + sign * step - (sign < 0)
                homography = (
                    self.homographies[pair]
                    if sign > 0
                    else np.asarray(np.linalg.inv(self.homographies[pair]), np.float64)
                )
                points[rows], step_jacobian = linearise_homography(homography, points[rows])
                jacobian[rows] = step_jacobian @ jacobian[rows]
        return points, jacobian


def linearise_homography(homography: Floats, points: Points) -> tuple[Points, Floats]:
    """(n, 2) images of `points` under a (3, 3) or (n, 3, 3) homography, and its (n, 2, 2) Jacobians there."""
    projected = np.einsum("...ij,nj->ni" if homography.ndim == 2 else "nij,nj->ni", homography[..., :2], points)  # noqa: PLR2004  one homography, else one per point
    projected = projected + homography[..., 2]
    depth = projected[:, 2:]
    is_far = depth[:, 0] > MIN_RELATIVE_DEPTH * np.abs(homography[..., 2, 2])
    depth = np.where(is_far[:, None], depth, 1)
    moved = projected[:, :2] / depth
    jacobian = (homography[..., :2, :2] - moved[:, :, None] * homography[..., 2:, :2]) / depth[:, :, None]
    return np.where(is_far[:, None], moved, points), np.where(is_far[:, None, None], jacobian, np.eye(2))


def scale_change(jacobian: Floats) -> Floats:
    """(n,) factor by which lengths grow: the root of the Jacobian's determinant."""
    return np.sqrt(np.abs(np.linalg.det(jacobian)))


def estimate_video_camera_motion(dense_flow: DenseFlow, detections: Detections, low_score: float) -> VideoCameraMotion:
    """The camera's motion from the flow outside the boxes of detections that score at least `low_score`."""
    from tasks.geometry.homography import estimate_camera_motion

    bounds = np.searchsorted(detections.frame, np.arange(len(dense_flow) + 2))
    xyxy, good = detections.xyxy, detections.score >= low_score
    homographies = np.tile(np.eye(3), (len(dense_flow), 1, 1))
    for pair in range(len(dense_flow)):
        if not dense_flow.known[pair]:
            continue
        rows = slice(bounds[pair], bounds[pair + 1])
        motion = estimate_camera_motion(dense_flow.forward(pair), dense_flow.valid(pair), xyxy[rows][good[rows]])
        homography, inliers = motion.homography, motion.inliers
        if not inliers:
            homography, inliers = dense_flow.camera(pair), float(dense_flow.camera_inliers[pair])
        if inliers >= MIN_INLIER_SHARE and _is_plausible(homography, dense_flow.width, dense_flow.height):
            homographies[pair] = homography
    return VideoCameraMotion(homographies)


def _is_plausible(homography: Floats, width: int, height: int) -> bool:
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float64)
    scale = scale_change(linearise_homography(homography, corners)[1])
    return bool((scale < MAX_SCALE_CHANGE).all() and (scale > 1 / MAX_SCALE_CHANGE).all())
