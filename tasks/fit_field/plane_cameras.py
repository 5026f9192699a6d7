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
from tasks.fit_field.stage_inputs import Inputs

FACING = np.array([0.0, 0.0, 1.0])  # normal of the planes, in the reference's camera


@dataclass(frozen=True, eq=False)
class Cameras:
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
        return middle(len(self))


def middle(frames: int) -> int:
    """The reference among `frames`: the later one of two in the middle."""
    return frames // 2


def identity(frames: int, planes: int) -> Cameras:
    """A camera that stands still."""
    return Cameras(np.broadcast_to(np.eye(3), (frames, planes, 3, 3)).copy())


def homography(steps: Sequence[Matrix | None], planes: int) -> Cameras:
    """A camera under which all planes move as the background: (3, 3) `steps` lead from each frame to the next.

    SemflowError over a cut (a step that is None): no window lies across one.
    """
    ways: list[Matrix] = [np.eye(3)]
    for number, step in enumerate(steps):
        if step is None:
            raise SemflowError(f"frames of a window must be of one take, got a cut after frame {number} of it")
        ways.append(_normal(step @ ways[-1]))
    back = np.linalg.inv(ways[middle(len(ways))])
    to_frame = np.stack([_normal(way @ back) for way in ways])
    return Cameras(np.repeat(to_frame[:, None], planes, axis=1))


def pinhole(poses: Matrix, intrinsics: Matrix, distances: Matrix) -> Cameras:
    """A camera of known (frames, 3, 4) `poses`, world to camera, and (frames, 3, 3) `intrinsics`, in pixels.

    Planes face the reference frame at (planes,) `distances` from it, in the unit of the poses, falling.
    """
    if not (len(distances) and (distances > 0).all() and (np.diff(distances) < 0).all()):
        raise SemflowError(f"distances of planes must be above 0 and fall, got {distances.tolist()}")
    reference = middle(len(poses))
    turned, moved = poses[reference, :, :3], poses[reference, :, 3]
    from_reference = np.linalg.inv(intrinsics[reference])
    turns = poses[:, :, :3] @ turned.T
    shifts = poses[:, :, 3] - turns @ moved
    motions = turns[:, None] + shifts[:, None, :, None] * FACING / distances[:, None, None]
    return Cameras(intrinsics[:, None] @ motions @ from_reference)


def spaced(near: float, far: float, planes: int) -> Matrix:
    """(planes,) distances from `far` to `near`, even in their inverse: neighbours have the same parallax throughout."""
    return 1 / np.linspace(1 / far, 1 / near, planes)


def resized(step: Matrix, size: tuple[int, int], other: tuple[int, int]) -> Matrix:
    """The (3, 3) homography between pictures of height and width `size`, on pictures of the `other` one."""
    scale = np.array([other[1] / size[1], other[0] / size[0]])
    across = np.diag([*scale, 1.0])
    across[:2, 2] = (scale - 1) / 2  # pixel centres lie at integers, edges on edges
    return across @ step @ np.linalg.inv(across)


def steps_between(dense_flow: DenseFlow, chosen: Sequence[int], height: int, width: int) -> list[Matrix | None]:
    """From each of the `chosen` frames to the next, the background's homography in pixels of maps; None over a cut."""
    found: list[Matrix | None] = []
    for start, end in pairwise(chosen):
        whole = np.eye(3)
        for pair in range(start, end):
            whole = dense_flow.camera(pair) @ whole
        size = dense_flow.height, dense_flow.width
        found.append(None if dense_flow.cut[start:end].any() else resized(whole, size, (height, width)))
    return found


def cameras_of(
    kind: Literal["homography", "identity", "pinhole"],
    inputs: Inputs,
    chosen: Sequence[int],
    planes: int,
    size: tuple[int, int],
) -> Cameras:
    """The cameras of a window of `chosen` frames of one take, for maps of height and width `size`.

    BadInput where a pinhole is asked for and a person's file says nothing of one of the frames.
    """
    if kind == "identity":
        return identity(len(chosen), planes)
    if kind == "homography":
        return homography(steps_between(inputs.dense_flow, chosen, *size), planes)
    poses = inputs.camera_poses
    matrices, intrinsics = poses.at(chosen, *size)
    return pinhole(matrices, intrinsics, spaced(poses.near, poses.far, planes))


def _normal(homography: Matrix) -> Matrix:
    """With 1 in the corner."""
    return homography / homography[2, 2]
