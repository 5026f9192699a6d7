"""Affinity of neighbouring pixels, 0..1: high where both move alike and, where the flow is unreliable, look alike.

Pixels that move together belong together (the Gestalt law of common fate, Wertheimer, 1923). Motion differences are
reliable where the flow is accurate, even between objects of the same texture. Estimated flow is smooth across object
boundaries; there colour differences are added, in proportion to the flow's photometric mismatch.

Sums over the neighbourhood use the recursive edge-aware filter of Gastal and Oliveira, "Domain Transform for Edge-Aware
Image and Video Processing" (SIGGRAPH 2011, section 5.1), one horizontal and one vertical pass. Difference: the feedback
falls with the square of a difference, so that a gradual change of motion, as on a rotating object, is no edge.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.sequence.backward_warp import BackwardWarp
from tasks.sequence.warp_cache import BackwardWarpCache

MOTION_SCALE_PX = 0.5  # difference of motion at which affinity is exp(-1/2)
COLOUR_SCALE_LEVELS = 10.0  # the same of colours, where flow is unreliable
COLOUR_BLUR_PX = 1.0  # sensor noise is no edge
MISMATCH_LIMIT = np.float32(0.1)  # share of mismatching pixels around from which on flow counts as unreliable
MIN_COLOUR_SHARE = 0.25  # of the colour term: reliable flow can still join two objects that move alike
MISMATCH_BLUR_PX = 1.5
DECAY_LENGTH = 1 / 15  # of the frame's height: e-fold length of the recursive filter


@dataclass(frozen=True, eq=False)
class PixelAffinity:
    """Affinity of each pixel to the next one, 0..1."""

    horizontal: NDArray[np.float32]
    """(h, w - 1)."""
    vertical: NDArray[np.float32]
    """(h - 1, w)."""

    def sum_neighbours(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """(h, w, c) affinity-weighted sums of the (h, w, c) `values` around each pixel, decaying with distance."""
        decay = np.float32(np.exp(-1 / (DECAY_LENGTH * len(values))))
        columns = _filter_both_ways(np.ascontiguousarray(values.transpose(1, 2, 0)), self.horizontal.T * decay)
        rows = _filter_both_ways(np.ascontiguousarray(columns.transpose(2, 1, 0)), self.vertical * decay)
        return np.ascontiguousarray(rows.transpose(0, 2, 1))


def compute_pixel_affinity(warps: BackwardWarpCache, frame: int) -> PixelAffinity:
    """Affinity of a frame's pixels, by its flow to both neighbouring frames and its colours; 0 without either."""
    found = [warp for warp in (warps.get_warp(frame, frame - 1), warps.get_warp(frame, frame + 1)) if warp is not None]
    view = warps.view
    image = None if view.images is None else view.images(frame)
    if not found and image is None:
        none = np.zeros((view.height, view.width), np.float32)
        return PixelAffinity(none[:, 1:], none[1:])
    colour_share = _colour_share(found, view.height, view.width)
    soft: Any = None if image is None else cv2.GaussianBlur(image.astype(np.float32), (0, 0), COLOUR_BLUR_PX)
    return PixelAffinity(_affinity_along(found, soft, colour_share, 1), _affinity_along(found, soft, colour_share, 0))


def _affinity_along(
    warps: Sequence[BackwardWarp], image: NDArray[np.float32] | None, colour_share: NDArray[np.float32], axis: int
) -> NDArray[np.float32]:
    """Affinity of each pixel to the next one along `axis`: by the largest motion difference and by smooth colours."""
    cost = np.zeros(np.diff(colour_share, axis=axis).shape, np.float32)
    for warp in warps:
        # Positions differ by one pixel where motions are equal.
        apart = np.diff(warp.positions, axis=axis) - np.array([axis, 1 - axis], np.float32)
        np.maximum(cost, np.einsum("hwc,hwc->hw", apart, apart) / np.float32(2 * MOTION_SCALE_PX**2), out=cost)
    if image is not None:
        change = np.diff(image, axis=axis)
        before, after = (np.s_[:-1], np.s_[1:]) if axis == 0 else (np.s_[:, :-1], np.s_[:, 1:])
        either = np.maximum(colour_share[before], colour_share[after])
        cost += either * np.einsum("hwc,hwc->hw", change, change) / np.float32(2 * COLOUR_SCALE_LEVELS**2)
    return np.exp(-cost).astype(np.float32)


def _colour_share(warps: Sequence[BackwardWarp], height: int, width: int) -> NDArray[np.float32]:
    """(h, w) weight of the colour term, by the photometric mismatch at a pixel or beside it; 1 without flow."""
    if not warps:
        return np.ones((height, width), np.float32)
    largest = np.max([warp.mismatch for warp in warps], axis=0)
    around: Any = cv2.dilate(cv2.GaussianBlur(largest, (0, 0), MISMATCH_BLUR_PX), np.ones((3, 3), np.uint8))
    return np.clip(around / MISMATCH_LIMIT, MIN_COLOUR_SHARE, 1).astype(np.float32)


def _filter_both_ways(values: NDArray[np.float32], feedback: NDArray[np.float32]) -> NDArray[np.float32]:
    """(n, c, m) causal plus anticausal recursive sums along the first axis, with (n - 1, m) feedback coefficients."""
    ahead, back = values.copy(), values.copy()
    passed = np.ascontiguousarray(feedback)
    for n in range(1, len(values)):
        ahead[n] += passed[n - 1] * ahead[n - 1]
        back[-n - 1] += passed[-n] * back[-n]
    ahead += back
    ahead -= values
    return ahead
