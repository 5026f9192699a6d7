"""Homographies of a window's planes: how each plane of the multiplane volume maps into each frame.

The volume is a stack of fronto-parallel planes in the pixels of a reference frame, the middle one of a window, ordered
from the farthest to the nearest. A camera model gives a homography per frame and plane:

- identity: a static camera.
- homography: all planes move as the background does (from `dense_flow`).
- pinhole: known poses and intrinsics, planes at given distances from the reference. Plane-induced homography, Hartley
  and Zisserman, "Multiple View Geometry" (2003), eq. 13.2: the plane n'X + d = 0 gives K (R - t n'/d) K^-1. Planes here
  are n'X = d with n = (0, 0, 1) along the optical axis of the reference, so the sign before t is positive.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np

from tasks.arrays import Matrix
from tasks.artifacts.dense_flow import DenseFlow
from tasks.errors import SemflowError
from tasks.fit_field.field_inputs import VolumeInputs

PLANE_NORMAL = np.array([0.0, 0.0, 1.0])  # in the camera coordinates of the reference frame


@dataclass(frozen=True, eq=False)
class PlaneCameras:
    """Homographies of the planes of a volume into the frames of a window."""

    to_frame: Matrix
    """(frames, planes, 3, 3) from pixels of the reference to pixels of each frame, the farthest plane first.

    The third homogeneous coordinate of a mapped point is positive in front of the camera.
    """

    def __post_init__(self) -> None:
        shape = self.to_frame.shape
        if len(shape) != 4 or shape[2:] != (3, 3) or 0 in shape or not np.isfinite(self.to_frame).all():  # noqa: PLR2004  axes frame, plane, row, column
            raise SemflowError(f"to_frame must be finite, of shape (frames, planes, 3, 3), got {shape}")

    def __len__(self) -> int:
        return len(self.to_frame)

    @property
    def planes(self) -> int:
        """Number of planes."""
        return self.to_frame.shape[1]

    @property
    def reference(self) -> int:
        """Index of the reference frame, in whose pixels the volume is stored."""
        return reference_index(len(self))


def reference_index(frames: int) -> int:
    """Index of the reference among `frames` frames: the middle one, the later of two."""
    return frames // 2


def make_static_cameras(frames: int, planes: int) -> PlaneCameras:
    """Cameras that do not move: the identity for every frame and plane."""
    return PlaneCameras(np.broadcast_to(np.eye(3), (frames, planes, 3, 3)).copy())


def make_homography_cameras(steps: Sequence[Matrix], planes: int) -> PlaneCameras:
    """Cameras under which all planes move as the background; (3, 3) `steps` map each frame to the next."""
    chained: list[Matrix] = [np.eye(3)]
    for step in steps:
        chained.append(_normalize(step @ chained[-1]))
    reference_to_first = np.linalg.inv(chained[reference_index(len(chained))])
    to_frame = np.stack([_normalize(first_to_frame @ reference_to_first) for first_to_frame in chained])
    return PlaneCameras(np.repeat(to_frame[:, None], planes, axis=1))


def make_pinhole_cameras(poses: Matrix, intrinsics: Matrix, distances: Matrix) -> PlaneCameras:
    """Cameras of (frames, 3, 4) `poses`, world to camera, and (frames, 3, 3) `intrinsics`, in pixels.

    Planes are parallel to the reference's image plane at (planes,) `distances`, descending, in the unit of the poses.
    """
    if not (len(distances) and (distances > 0).all() and (np.diff(distances) < 0).all()):
        raise SemflowError(f"distances of planes must be above 0 and fall, got {distances.tolist()}")
    reference = reference_index(len(poses))
    rotation, translation = poses[reference, :, :3], poses[reference, :, 3]
    from_reference = np.linalg.inv(intrinsics[reference])
    rotations = poses[:, :, :3] @ rotation.T
    translations = poses[:, :, 3] - rotations @ translation
    motions = rotations[:, None] + translations[:, None, :, None] * PLANE_NORMAL / distances[:, None, None]
    return PlaneCameras(intrinsics[:, None] @ motions @ from_reference)


def space_planes(near: float, far: float, planes: int) -> Matrix:
    """(planes,) distances from `far` to `near`, evenly spaced in inverse depth (equal steps of parallax)."""
    return 1 / np.linspace(1 / far, 1 / near, planes)


def resize_homography(step: Matrix, size: tuple[int, int], other: tuple[int, int]) -> Matrix:
    """The (3, 3) homography `step` between images of `size` (height, width), for images of the size `other`."""
    scale = np.array([other[1] / size[1], other[0] / size[0]])
    across = np.diag([*scale, 1.0])
    across[:2, 2] = (scale - 1) / 2  # pixel centres lie at integers, edges on edges
    return across @ step @ np.linalg.inv(across)


def compose_background_homographies(
    dense_flow: DenseFlow, chosen: Sequence[int], height: int, width: int
) -> list[Matrix]:
    """(3, 3) background homographies from each chosen frame to the next, in map pixels.

    All frames are of one shot. Pairs without flow in it (a flash, the black of a fade, a damaged frame) say nothing of
    the camera, which counts as still there.
    """
    found: list[Matrix] = []
    for start, end in pairwise(chosen):
        whole = np.eye(3)
        for pair in range(start, end):
            whole = dense_flow.camera(pair) @ whole
        size = dense_flow.height, dense_flow.width
        found.append(resize_homography(whole, size, (height, width)))
    return found


def make_plane_cameras(
    kind: Literal["homography", "identity", "pinhole"],
    inputs: VolumeInputs,
    chosen: Sequence[int],
    planes: int,
    size: tuple[int, int],
) -> PlaneCameras:
    """The cameras of the frames numbered `chosen`, all of one shot, for maps of `size` (height, width).

    BadInput where `kind` is pinhole and the user's camera file has no pose of one of the frames.
    """
    if kind == "identity":
        return make_static_cameras(len(chosen), planes)
    if kind == "homography":
        return make_homography_cameras(compose_background_homographies(inputs.dense_flow, chosen, *size), planes)
    poses = inputs.camera_poses
    matrices, intrinsics = poses.scale_poses(chosen, *size)
    return make_pinhole_cameras(matrices, intrinsics, space_planes(poses.near, poses.far, planes))


def _normalize(homography: Matrix) -> Matrix:
    """Scaled so that the last element is 1."""
    return homography / homography[2, 2]
