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
from tasks.sequence.backward_warp import Step, step_back
from tasks.sequence.sequence_view import Motion


@dataclass(frozen=True, eq=False)
class Trail:
    """Places in a source frame."""

    at: FlowField
    """(h, w, 2) x, y in the source frame of each pixel of the frame in hand."""
    trust: NDArray[np.float32]
    """(h, w) 0..1."""

    @classmethod
    def begun(cls, height: int, width: int) -> Trail:
        """The trail of a frame to itself."""
        return cls(pixel_grid(height, width), np.ones((height, width), np.float32))

    def moved(self, step: Step) -> Trail:
        """The trail of the next frame, from which `step` leads back to the one in hand."""
        return Trail(step.follow(self.at), step.take(self.trust) * step.trust)

    def take(self, field: NDArray[Any]) -> NDArray[np.float32]:
        """(h, w) or (h, w, c) values of a `field` on the source frame."""
        return sample(field, self.at)


def step_trust(motion: Motion, density: bool) -> NDArray[np.float32]:
    """(h, w) of the later frame: how far its step back to the earlier one may be trusted, by the flow alone."""
    return step_back(motion, density).trust


def sample(field: NDArray[Any], at: FlowField) -> NDArray[np.float32]:
    """(h, w) or (h, w, c) bilinear values of a `field` at places x, y; beyond its border the nearest."""
    remap: Any = cv2.remap
    values = remap(np.asarray(field, np.float32), at, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return values.reshape(*at.shape[:2], *np.shape(field)[2:])
