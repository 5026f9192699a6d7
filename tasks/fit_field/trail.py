"""Where the points of the frame in hand lie in an earlier frame, along the flow of all frames between.

The trail is pulled along: the place of a pixel is the place that its own place in the frame before had. What may be
trusted of it only falls: a step that does not return where it began ends it (see tasks/geometry/consistency.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.fit_field.clip import Motion
from tasks.geometry.warp import Flow, pixel_grid, warp

TOLERANCE_PX = 1.0  # a step whose way back misses by this is trusted exp(-1/2)
STEP_TRUST = 0.98  # of a perfect step: fifty of them leave a third
HIDDEN = 0.3  # trust per step that a hidden point keeps where the opacity prior is off


@dataclass(frozen=True, eq=False)
class Trail:
    """Places in a source frame."""

    at: Flow
    """(h, w, 2) x, y in the source frame of each pixel of the frame in hand."""
    trust: NDArray[np.float32]
    """(h, w) 0..1."""

    @classmethod
    def begun(cls, height: int, width: int) -> Trail:
        """The trail of a frame to itself."""
        return cls(pixel_grid(height, width), np.ones((height, width), np.float32))

    def moved(self, motion: Motion, density: bool) -> Trail:
        """The trail of the next frame, to which `motion` leads from the one in hand."""
        return Trail(warp(self.at, motion.backward), warp(self.trust, motion.backward) * step_trust(motion, density))

    def take(self, field: NDArray[Any]) -> NDArray[np.float32]:
        """(h, w) or (h, w, c) values of a `field` on the source frame."""
        return sample(field, self.at)


def step_trust(motion: Motion, density: bool) -> NDArray[np.float32]:
    """(h, w) of the later frame: how far its step back to the earlier one may be trusted.

    With `density`, a point that is hidden in the earlier frame has none: the thing before it has all the opacity.
    """
    gap = motion.backward + warp(motion.forward, motion.backward)
    close = np.exp(-(gap * gap).sum(axis=2) / np.float32(2 * TOLERANCE_PX**2)) * np.float32(STEP_TRUST)
    if density:
        return np.where(motion.valid_backward, close, np.float32(0)).astype(np.float32)
    return np.maximum(close, np.float32(HIDDEN)).astype(np.float32)


def sample(field: NDArray[Any], at: Flow) -> NDArray[np.float32]:
    """(h, w) or (h, w, c) bilinear values of a `field` at places x, y; beyond its border the nearest."""
    remap: Any = cv2.remap
    values = remap(np.asarray(field, np.float32), at, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return values.reshape(*at.shape[:2], *np.shape(field)[2:])
