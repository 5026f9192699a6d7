"""A moving pinhole camera: homographies of fronto-parallel planes.

A plane z = d in the first frame's camera coordinates appears in frame t under the homography K (R - c n'/d) K^-1, with
n = (0, 0, 1) (Hartley and Zisserman, "Multiple View Geometry", 2003, eq. 13.2): rotation moves all planes alike,
translation moves near ones more (parallax).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.arrays import Matrix, Points

MAX_ROTATION_RAD = (
    0.015,
    0.025,
    0.02,
)  # about x, y, z at full motion: 4 and 6 px at a focal length of 256, and one degree
MAX_TRANSLATION = (0.15, 0.05, 0.2)  # along x, y, z in units of distance: 4 px at distance 10, 19 px at distance 2
CYCLE_RANGE = (0.4, 1.1)  # cycles in the whole clip


@dataclass(frozen=True, eq=False)
class SceneCamera:
    """Camera pose in each frame; in frame 0 at the origin, looking along z."""

    rotations: Matrix
    """(t, 3, 3)."""
    places: Matrix
    """(t, 3), in the unit of the layers' distances."""
    intrinsics: Matrix
    """(3, 3)."""

    def homography(self, frame: int, distance: float) -> Matrix:
        """(3, 3) from pixels of frame 0 to pixels of `frame`, on the plane at `distance`."""
        normal = np.array([0.0, 0.0, 1.0])
        motion = self.rotations[frame] - np.outer(self.rotations[frame] @ self.places[frame], normal) / distance
        plane = self.intrinsics @ motion @ np.linalg.inv(self.intrinsics)
        return plane / plane[2, 2]


def draw_camera(rng: np.random.Generator, frames: int, height: int, width: int, strength: float) -> SceneCamera:
    """A smooth random camera path from the origin; `strength` scales it."""
    wander = np.stack([_draw_smooth_curve(rng, frames) for _ in range(6)], axis=1) * strength
    turns, places = wander[:, :3] * MAX_ROTATION_RAD, wander[:, 3:] * MAX_TRANSLATION
    rotations = np.stack([_rotation(turn) for turn in turns])
    intrinsics = np.array([[width, 0, (width - 1) / 2], [0, width, (height - 1) / 2], [0, 0, 1.0]])
    return SceneCamera(rotations, places, intrinsics)


def invert_homography(homography: Matrix) -> Matrix:
    """(3, 3) inverse homography."""
    return np.linalg.inv(homography).astype(np.float64)


def transform_points(homography: Matrix, points: Points) -> Points:
    """(n, 2) points transformed by a homography."""
    moved = points @ homography[:, :2].T + homography[:, 2]
    return moved[:, :2] / moved[:, 2:]


def _draw_smooth_curve(rng: np.random.Generator, frames: int) -> NDArray[np.float64]:
    """(t,) smooth random curve of about unit amplitude, 0 in frame 0."""
    time = np.arange(frames) / max(1, frames - 1)
    cycles, phase = rng.uniform(*CYCLE_RANGE), rng.uniform(0, 2 * np.pi)
    return np.sin(2 * np.pi * cycles * time + phase) - np.sin(phase)


def _rotation(turn: NDArray[np.float64]) -> Matrix:
    """(3, 3) rotation about x, then y, then z."""
    (cx, cy, cz), (sx, sy, sz) = np.cos(turn), np.sin(turn)
    about_x = np.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]])
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_z = np.array([[cz, -sz, 0], [sz, cz, 0], [0, 0, 1.0]])
    return about_z @ about_y @ about_x
