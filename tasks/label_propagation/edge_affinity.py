"""Which neighbouring pixels are one thing: those that move alike, and where motion is in doubt also look alike.

What moves together belongs together ("common fate", Wertheimer, 1923). Flow tells it exactly where it is exact, also
between two things of the same cloth; an estimated one is smooth across edges, and there colours must tell.

Sums along ties are the recursive filter of Gastal and Oliveira, "Domain Transform for Edge-Aware Image and Video
Processing" (SIGGRAPH 2011, section 5.1), one pass across and one down. Difference: its feedback falls with the square
of a difference, so that many small ones, as of a thing that turns, are no edge.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.sequence.backward_warp import BackwardWarp, BackwardWarpCache

MOTION_PX = 0.5  # by which the motions of neighbours differ that are tied exp(-1/2)
COLOUR_LEVELS = 10.0  # the same of colours, where motion is in doubt
COLOUR_BLUR_PX = 1.0  # a sensor's noise is no edge
SURE = np.float32(0.1)  # share of places around that do not look alike from which on motion is wholly in doubt
LEAST_DOUBT = 0.25  # motion that nothing speaks against may still be that of two things that move alike
DOUBT_BLUR_PX = 1.5
DECAY_LENGTH = 1 / 15  # of the frame's height: e-fold length of the sums


@dataclass(frozen=True, eq=False)
class PixelAffinity:
    """How far each pixel and the next one are one thing, 0..1."""

    across: NDArray[np.float32]
    """(h, w - 1)."""
    down: NDArray[np.float32]
    """(h - 1, w)."""

    def summed(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """(h, w, c) sums of the (h, w, c) `values` over what is tied to each pixel, less from farther away."""
        fade = np.float32(np.exp(-1 / (DECAY_LENGTH * len(values))))
        across = _both_ways(values.transpose(1, 0, 2), self.across.T * fade)
        return _both_ways(across.transpose(1, 0, 2), self.down * fade)


def compute_pixel_affinity(steps: BackwardWarpCache, frame: int) -> PixelAffinity:
    """The ties of a frame, by its flow to the frames beside it and its colours; none where neither is known."""
    found = [step for step in (steps.back(frame, frame - 1), steps.back(frame, frame + 1)) if step is not None]
    clip = steps.clip
    image = None if clip.images is None else clip.images(frame)
    if not found and image is None:
        none = np.zeros((clip.height, clip.width), np.float32)
        return PixelAffinity(none[:, 1:], none[1:])
    doubt = _doubt(found, clip.height, clip.width)
    return PixelAffinity(_tied(found, image, doubt, 1), _tied(found, image, doubt, 0))


def _tied(
    steps: Sequence[BackwardWarp], image: NDArray[np.uint8] | None, doubt: NDArray[np.float32], axis: int
) -> NDArray[np.float32]:
    """How far each pixel and the next one along `axis` are one thing: by the worst of the steps, and by colours."""
    cost = np.zeros(np.diff(doubt, axis=axis).shape, np.float32)
    for step in steps:
        # Places differ by one pixel where motions do not differ.
        apart = np.diff(step.at, axis=axis) - np.array([axis, 1 - axis], np.float32)
        cost = np.maximum(cost, (apart * apart).sum(axis=-1) / np.float32(2 * MOTION_PX**2))
    if image is not None:
        soft: Any = cv2.GaussianBlur(image.astype(np.float32), (0, 0), COLOUR_BLUR_PX)
        change = np.diff(soft, axis=axis)
        either = np.maximum(np.delete(doubt, 0, axis), np.delete(doubt, -1, axis))
        cost = cost + either * (change * change).sum(axis=-1) / np.float32(2 * COLOUR_LEVELS**2)
    return np.exp(-cost).astype(np.float32)


def _doubt(steps: Sequence[BackwardWarp], height: int, width: int) -> NDArray[np.float32]:
    """(h, w) 0..1 how far motion is in doubt, on a pixel or beside it; all where there is no flow."""
    if not steps:
        return np.ones((height, width), np.float32)
    most = np.max([step.doubt for step in steps], axis=0)
    around: Any = cv2.dilate(cv2.GaussianBlur(most, (0, 0), DOUBT_BLUR_PX), np.ones((3, 3), np.uint8))
    return np.clip(around / SURE, LEAST_DOUBT, 1).astype(np.float32)


def _both_ways(values: NDArray[np.float32], tied: NDArray[np.float32]) -> NDArray[np.float32]:
    """(n, m, c) running sums along the first axis from both ends, (n - 1, m) `tied` being what is passed on."""
    values = np.ascontiguousarray(values)
    passed = tied[..., None]
    ahead, back = values.copy(), values.copy()
    for n in range(1, len(values)):
        ahead[n] += passed[n - 1] * ahead[n - 1]
        back[-n - 1] += passed[-n] * back[-n]
    return ahead + back - values
