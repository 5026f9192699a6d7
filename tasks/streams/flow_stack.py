"""Stacks of flow fields: the inputs of the temporal stream.

Simonyan and Zisserman, "Two-Stream Convolutional Networks for Action Recognition in Videos" (NIPS 2014), section 3: the
fields of L = 10 consecutive pairs, x and y as separate channels (dx1, dy1, dx2, ...), camera motion compensated,
clipped to ±20 px. They subtract the mean; we subtract the flow of the pair's homography, which also covers
rotation and zoom, or the mean where asked.

A vector's length means something only with a scale. Here it is pixels per 1/25 s on a square of 256 pixels, the size at
which the paper's networks were trained: a square of s pixels scales vectors by 256 / s, a video of another rate by
1/25 s over its frame interval, and from 37.5 frames/s on only every second, third, ... field is taken. So a stack spans
about .4 s of any video, and a person fills it whatever the camera's distance.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.arrays import Boxes
from tasks.artifacts.action_model import StackSettings
from tasks.errors import SemflowError
from tasks.geometry.homography import compute_camera_flow
from tasks.streams.video_clips import make_person_squares

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tasks.arrays import FlowField
    from tasks.artifacts.dense_flow import DenseFlow

STACK_LENGTH = 10  # fields: L of the paper, its best trade-off (table 1b)
STACK_CHANNELS = 2 * STACK_LENGTH
BOUND_PX = 20.0  # the paper's released flow images clip there
REFERENCE_SIDE = 256  # px: the shorter side to which the paper's frames were scaled
REFERENCE_INTERVAL_S = 1 / 25  # UCF101's rate

FlowStacks = NDArray[np.float32]
"""(n, 20, side, side), 1 meaning 20 px per 1/25 s on a square of 256 px."""


def compute_frame_interval(pts_s: NDArray[np.float64]) -> float:
    """Median seconds between frames of a video; 1/25 where there are fewer than two frames."""
    return float(np.median(np.diff(pts_s))) if len(pts_s) > 1 else REFERENCE_INTERVAL_S


def compute_field_step(interval_s: float) -> int:
    """Pairs from one field of a stack to the next: 1 up to 37.5 frames/s, 2 at 50 or 60."""
    return max(1, round(REFERENCE_INTERVAL_S / interval_s))


def count_stack_pairs(interval_s: float) -> int:
    """Pairs from the first of a stack to its last, both counted; the stack touches one frame more."""
    return (STACK_LENGTH - 1) * compute_field_step(interval_s) + 1


def make_frame_stack_squares(count: int, height: int, width: int) -> Boxes:
    """(count, STACK_LENGTH, 4) the largest central square of the frame, for each field."""
    half, x, y = min(height, width) / 2, (width - 1) / 2, (height - 1) / 2
    return np.tile([x - half, y - half, x + half, y + half], (count, STACK_LENGTH, 1))


def make_person_stack_squares(
    frames: NDArray[Any], xyxy: NDArray[np.float32], starts: Sequence[int], step: int
) -> Boxes:
    """(stacks, STACK_LENGTH, 4) squares that follow one person's (k, 4) boxes in (k,) increasing `frames`."""
    offsets = np.arange(STACK_LENGTH) * step
    found = [make_person_squares(start + offsets, frames, xyxy) for start in starts]
    return np.array(found, np.float64).reshape(len(starts), STACK_LENGTH, 4)


def build_flow_stacks(
    dense_flow: DenseFlow, starts: Sequence[int], squares: Boxes | None, settings: StackSettings, interval_s: float
) -> FlowStacks:
    """(n, 20, side, side) stacks whose first fields are the pairs `starts`; `squares` None: central.

    Flow is zero outside the frame and across a cut. Memory is 1 MB per stack of 112 px: ask
    for a few dozen at a time.
    """
    step = compute_field_step(interval_s)
    if len(starts) and not 0 <= min(starts) <= max(starts) <= len(dense_flow) - count_stack_pairs(interval_s):
        raise SemflowError(
            f"stacks must start in [0, {len(dense_flow) - count_stack_pairs(interval_s)}], "
            f"got {min(starts)} to {max(starts)}"
        )
    where = make_frame_stack_squares(len(starts), dense_flow.height, dense_flow.width) if squares is None else squares
    found = np.zeros((len(starts), STACK_LENGTH, 2, settings.side, settings.side), np.float32)
    wanted = sorted((start + step * n, row, n) for row, start in enumerate(starts) for n in range(STACK_LENGTH))
    last, field, camera = -1, np.empty(0, np.float32), None
    for pair, row, n in wanted:
        if pair != last:
            is_moved = settings.motion_compensation == "camera" and bool(dense_flow.known[pair])
            last, field, camera = pair, dense_flow.forward(pair), dense_flow.camera(pair) if is_moved else None
        found[row, n] = crop_flow_field(field, where[row, n], settings, interval_s, camera)
    return found.reshape(len(starts), STACK_CHANNELS, settings.side, settings.side)


def crop_flow_field(
    field: FlowField,
    square: NDArray[np.float64],
    settings: StackSettings,
    interval_s: float,
    camera: NDArray[np.float64] | None = None,
) -> FlowStacks:
    """(2, side, side) crop of the (h, w, 2) `field` of one pair in pixels, scaled and clipped to [-1, 1].

    The flow of the (3, 3) homography `camera` is subtracted, where one is given.
    """
    cut, size = _crop_square(field, square, camera)
    if settings.motion_compensation == "mean":
        cut = cut - cut.mean(axis=(0, 1), dtype=np.float64).astype(np.float32)
    shape = (settings.side, settings.side)
    resized: Any = cv2.resize(cut, shape, interpolation=cv2.INTER_AREA if size > settings.side else cv2.INTER_LINEAR)
    scale = REFERENCE_SIDE / size * (REFERENCE_INTERVAL_S / interval_s) / BOUND_PX
    return np.clip(resized * np.float32(scale), -1, 1).transpose(2, 0, 1)


def _crop_square(
    field: FlowField, square: NDArray[np.float64], camera: NDArray[np.float64] | None
) -> tuple[FlowField, int]:
    """The (size, size, 2) part of `field` in a square of whole pixels, zero outside the frame, and the size.

    The camera's flow is computed and subtracted inside the square alone: a person's is a small part of the frame.
    """
    height, width = field.shape[:2]
    size = max(2, round(float(square[2] - square[0])))
    left, top = (round(float(at) + 0.5) for at in square[:2])
    cut = np.zeros((size, size, 2), np.float32)
    x1, y1, x2, y2 = max(left, 0), max(top, 0), min(left + size, width), min(top + size, height)
    if x1 < x2 and y1 < y2:
        part = slice(y1, y2), slice(x1, x2)
        inside = field[part] if camera is None else field[part] - compute_camera_flow(camera, height, width, part)
        cut[y1 - top : y2 - top, x1 - left : x2 - left] = inside
    return cut, size


def reverse_stacks(stacks: NDArray[Any]) -> NDArray[Any]:
    """(..., 20, h, w) stacks of the same movement played backwards: the last field first, every vector turned round.

    A vector stays at its pixel of the earlier frame, where a flow backwards in time would have it at the later one's.
    """
    fields = stacks.reshape(*stacks.shape[:-3], STACK_LENGTH, 2, *stacks.shape[-2:])
    return -fields[..., ::-1, :, :, :].reshape(stacks.shape)


def mirror_stacks(stacks: NDArray[Any]) -> NDArray[Any]:
    """(..., 20, h, w) stacks of the mirrored pictures: dx, in the channels 0, 2, 4, ..., changes its sign."""
    mirrored = stacks[..., ::-1].copy()
    mirrored[..., 0::2, :, :] *= -1
    return mirrored
