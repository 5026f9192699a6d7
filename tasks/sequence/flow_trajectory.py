"""Where the points of the frame in hand lie in an earlier frame, along the flow of all frames between.

The trail is pulled along: the place of a pixel is the place that its own place in the frame before had. What may be
trusted of it only falls (step.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.arrays import FlowField
from tasks.geometry.warp import pixel_grid
from tasks.sequence.backward_warp import BackwardWarp, compute_backward_warp
from tasks.sequence.sequence_view import FramePairMotion


@dataclass(frozen=True, eq=False)
class WarpField:
    """Places in a source frame."""

    at: FlowField
    """(h, w, 2) x, y in the source frame of each pixel of the frame in hand."""
    trust: NDArray[np.float32]
    """(h, w) 0..1."""

    @classmethod
    def begun(cls, height: int, width: int) -> WarpField:
        """The trail of a frame to itself."""
        return cls(pixel_grid(height, width), np.ones((height, width), np.float32))

    def moved(self, step: BackwardWarp) -> WarpField:
        """The trail of the next frame, from which `step` leads back to the one in hand."""
        return WarpField(step.follow(self.at), step.take(self.trust) * step.trust)

    def take(self, field: NDArray[Any]) -> NDArray[np.float32]:
        """(h, w) or (h, w, c) values of a `field` on the source frame."""
        return sample_bilinear(field, self.at)


def compute_flow_trust(motion: FramePairMotion, density: bool) -> NDArray[np.float32]:
    """(h, w) of the later frame: how far its step back to the earlier one may be trusted, by the flow alone."""
    return compute_backward_warp(motion, density).trust


def sample_bilinear(field: NDArray[Any], at: FlowField) -> NDArray[np.float32]:
    """(h, w) or (h, w, c) bilinear values of a `field` at places x, y; beyond its border the nearest."""
    remap: Any = cv2.remap
    values = remap(np.asarray(field, np.float32), at, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return values.reshape(*at.shape[:2], *np.shape(field)[2:])
