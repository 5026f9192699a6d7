"""How each plane of a window's volume lies in each of its frames: the camera, as a plug-in.

The volume is a stack of planes in the pixels of a reference frame, the middle one of a window, from the farthest to
the nearest. A camera says where a pixel of each plane is in each frame, as a homography. Three are known: one that
stands still; one that sees the whole scene move as the background does (all planes alike, from `dense_flow`); and a
pinhole with known poses, whose planes face the reference frame at given distances. Of the last, Hartley and Zisserman,
"Multiple View Geometry" (2003), eq. 13.2: the plane n'X + d = 0 moves by K (R - t n'/d) K^-1. Here planes are n'X = d,
with n = (0, 0, 1) along the view of the reference, so the sign before t turns.
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
from tasks.fit_field.field_inputs import FieldInputs

PLANE_NORMAL = np.array([0.0, 0.0, 1.0])  # normal of the planes, in the reference's camera


@dataclass(frozen=True, eq=False)
class PlaneCameras:
    """Where the planes of a volume lie in each frame of a window."""

    to_frame: Matrix
    """(frames, planes, 3, 3) from pixels of the reference to pixels of a frame, of each plane, the farthest first.

    The third coordinate of what they give is above 0 for points before the camera.
    """

    def __post_init__(self) -> None:
        shape = self.to_frame.shape
        if len(shape) != 4 or shape[2:] != (3, 3) or 0 in shape or not np.isfinite(self.to_frame).all():
            raise SemflowError(f"to_frame must be finite, of shape (frames, planes, 3, 3), got {shape}")

    def __len__(self) -> int:
        return len(self.to_frame)

    @property
    def planes(self) -> int:
        """How many there are."""
        return self.to_frame.shape[1]

    @property
    def reference(self) -> int:
        """The frame in whose pixels the volume lies."""
        return reference_index(len(self))


def reference_index(frames: int) -> int:
    """The reference among `frames`: the later one of two in the middle."""
    return frames // 2


def make_static_cameras(frames: int, planes: int) -> PlaneCameras:
    """A camera that stands still."""
    return PlaneCameras(np.broadcast_to(np.eye(3), (frames, planes, 3, 3)).copy())


def make_homography_cameras(steps: Sequence[Matrix | None], planes: int) -> PlaneCameras:
    """A camera under which all planes move as the background: (3, 3) `steps` lead from each frame to the next.

    SemflowError over a cut (a step that is None): no window lies across one.
    """
    ways: list[Matrix] = [np.eye(3)]
    for number, step in enumerate(steps):
        if step is None:
            raise SemflowError(f"frames of a window must be of one take, got a cut after frame {number} of it")
        ways.append(_normalize(step @ ways[-1]))
    back = np.linalg.inv(ways[reference_index(len(ways))])
    to_frame = np.stack([_normalize(way @ back) for way in ways])
    return PlaneCameras(np.repeat(to_frame[:, None], planes, axis=1))


def make_pinhole_cameras(poses: Matrix, intrinsics: Matrix, distances: Matrix) -> PlaneCameras:
    """A camera of known (frames, 3, 4) `poses`, world to camera, and (frames, 3, 3) `intrinsics`, in pixels.

    Planes face the reference frame at (planes,) `distances` from it, in the unit of the poses, falling.
    """
    if not (len(distances) and (distances > 0).all() and (np.diff(distances) < 0).all()):
        raise SemflowError(f"distances of planes must be above 0 and fall, got {distances.tolist()}")
    reference = reference_index(len(poses))
    turned, moved = poses[reference, :, :3], poses[reference, :, 3]
    from_reference = np.linalg.inv(intrinsics[reference])
    turns = poses[:, :, :3] @ turned.T
    shifts = poses[:, :, 3] - turns @ moved
    motions = turns[:, None] + shifts[:, None, :, None] * PLANE_NORMAL / distances[:, None, None]
    return PlaneCameras(intrinsics[:, None] @ motions @ from_reference)


def space_planes(near: float, far: float, planes: int) -> Matrix:
    """(planes,) distances from `far` to `near`, even in their inverse: neighbours have the same parallax throughout."""
    return 1 / np.linspace(1 / far, 1 / near, planes)


def resize_homography(step: Matrix, size: tuple[int, int], other: tuple[int, int]) -> Matrix:
    """The (3, 3) homography between pictures of height and width `size`, on pictures of the `other` one."""
    scale = np.array([other[1] / size[1], other[0] / size[0]])
    across = np.diag([*scale, 1.0])
    across[:2, 2] = (scale - 1) / 2  # pixel centres lie at integers, edges on edges
    return across @ step @ np.linalg.inv(across)


def compose_background_homographies(
    dense_flow: DenseFlow, chosen: Sequence[int], height: int, width: int
) -> list[Matrix | None]:
    """From each of the `chosen` frames to the next, the background's homography in pixels of maps; None over a cut."""
    found: list[Matrix | None] = []
    for start, end in pairwise(chosen):
        whole = np.eye(3)
        for pair in range(start, end):
            whole = dense_flow.camera(pair) @ whole
        size = dense_flow.height, dense_flow.width
        found.append(None if dense_flow.cut[start:end].any() else resize_homography(whole, size, (height, width)))
    return found


def make_plane_cameras(
    kind: Literal["homography", "identity", "pinhole"],
    inputs: FieldInputs,
    chosen: Sequence[int],
    planes: int,
    size: tuple[int, int],
) -> PlaneCameras:
    """The cameras of a window of `chosen` frames of one take, for maps of height and width `size`.

    BadInput where a pinhole is asked for and a person's file says nothing of one of the frames.
    """
    if kind == "identity":
        return make_static_cameras(len(chosen), planes)
    if kind == "homography":
        return make_homography_cameras(compose_background_homographies(inputs.dense_flow, chosen, *size), planes)
    poses = inputs.camera_poses
    matrices, intrinsics = poses.scale_poses(chosen, *size)
    return make_pinhole_cameras(matrices, intrinsics, space_planes(poses.near, poses.far, planes))


def _normalize(homography: Matrix) -> Matrix:
    """With 1 in the corner."""
    return homography / homography[2, 2]
