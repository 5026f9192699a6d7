"""Chained optical flow: where the points of the current frame lie in an earlier frame, along the flow of all frames
between.

The coordinates are advected: a pixel takes the coordinates that its own source position had in the frame before,
interpolated by its backward warp (tasks/sequence/backward_warp.py). The confidence is multiplied by that of every
step, so it only falls along the chain.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.arrays import FlowField
from tasks.geometry.warp import pixel_grid
from tasks.sequence.backward_warp import BackwardWarp, compute_backward_warp
from tasks.sequence.frame_pair_motion import FramePairMotion


@dataclass(frozen=True, eq=False)
class WarpField:
    """Source coordinates of each pixel of the current frame in another frame, with a confidence."""

    positions: FlowField
    """(h, w, 2) x, y in the source frame of each pixel of the current frame."""
    trust: NDArray[np.float32]
    """(h, w) confidence, 0..1."""

    @classmethod
    def identity(cls, height: int, width: int) -> WarpField:
        """The warp of a frame to itself."""
        return cls(pixel_grid(height, width), np.ones((height, width), np.float32))

    def compose_with(self, warp: BackwardWarp) -> WarpField:
        """The warp field of the next frame, whose backward `warp` leads to the current one; the source is the same."""
        return compose_warp_fields(warp, [self], None)[0][0]

    def warp_values(self, field: NDArray[Any]) -> NDArray[np.float32]:
        """(h, w) or (h, w, c) values on the current frame of a `field` on the source frame, bilinear."""
        return sample_bilinear(field, self.positions)


def compose_warp_fields(
    warp: BackwardWarp, fields: Sequence[WarpField], values: NDArray[np.float32] | None
) -> tuple[list[WarpField], NDArray[np.float32]]:
    """Warp fields and (h, w, c) `values` of a frame on the next one, whose backward `warp` leads to it.

    All are interpolated in one sparse product, which costs little more than one of them alone.
    """
    height, width = warp.trust.shape
    grid = pixel_grid(height, width)
    layers = [np.zeros((height, width, 0), np.float32) if values is None else values]
    for field in fields:
        layers += [field.positions - grid, field.trust[..., None]]
    warped = warp.warp_values(np.concatenate(layers, axis=-1))
    moved: list[WarpField] = []
    start = layers[0].shape[-1]
    for n in range(len(fields)):
        at = start + 3 * n
        moved.append(WarpField(warp.positions + warped[..., at : at + 2], warped[..., at + 2] * warp.trust))
    return moved, np.ascontiguousarray(warped[..., :start])


def compute_flow_trust(motion: FramePairMotion, density: bool) -> NDArray[np.float32]:
    """(h, w) confidence of the later frame's backward warp to the earlier one, from the flow alone."""
    return compute_backward_warp(motion, density).trust


def sample_bilinear(field: NDArray[Any], positions: FlowField) -> NDArray[np.float32]:
    """(h, w) or (h, w, c) bilinear values of a `field` at x, y `positions`; beyond its border the nearest value."""
    remap: Any = cv2.remap
    values = remap(np.asarray(field, np.float32), positions, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return values.reshape(*positions.shape[:2], *np.shape(field)[2:])
