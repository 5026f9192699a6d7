"""From each pixel of a frame to where its point lies in a neighbouring frame, and how far that may be believed.

Three things speak against a step: its way back misses (Sundaram, Brox and Keutzer, ECCV 2010), its point is hidden
there (the opacity prior), or the two places do not look alike. The last tells where flow is smooth across the edge of
a thing, which misleads without ever missing on its way back; a place around which others do not look alike is
doubted too.

A step ends between four pixels. At the edge of a thing some of them belong to what lies beside it, and a mean over all
four would be of neither: what is pulled along so loses a pixel of every edge with every frame. So only those of the
four count whose own way leads back, as in a cross-bilateral filter (Petschnigg et al., SIGGRAPH 2004).
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.arrays import Floats32, FlowField, Mask
from tasks.geometry.warp import pixel_grid, target_points
from tasks.sequence.sequence_view import FramePairMotion, SequenceView

TOLERANCE_PX = 1.0  # a step whose way back misses by this is trusted exp(-1/2); more where all of them miss
STEP_TRUST = 0.98  # of a perfect step: fifty of them leave a third
HIDDEN = 0.3  # trust per step that a hidden point keeps where the opacity prior is off
SAME_PX = 0.25  # a pixel whose way back misses by this more than that of the best of the four weighs exp(-1/2)
NEAR = np.float32(1e-3)  # say of a pixel that a point lies a whole pixel away from: it may be the only one of its thing
LEAST = np.float32(1e-5)  # say of a pixel whose way does not lead back: where none of the four does, all count
USUAL = 2.0  # times the pair's median difference of colours: up to that two places look alike
LEAST_LEVELS = 2.0  # grey levels that the median is at least: rounding alone differs by that
AROUND_PX = 2.25  # standard deviation of what lies around a place
DOUBTED = np.float32(0.2)  # share of places around that do not look alike, at which a step is trusted exp(-1/2)
CORNERS = np.array([(0, 0), (1, 0), (0, 1), (1, 1)], np.float32)[:, None, None]
LEAST_COUNTED = 1e-3  # share of the surroundings that is seen: of less nothing can be said
HELD_BYTES = 256 << 20  # of steps at hand
STEP_BYTES = 48  # per pixel


@dataclass(frozen=True, eq=False)
class BackwardWarp:
    """Where points lie in a neighbouring frame, and between which of its pixels."""

    at: FlowField
    """(h, w, 2) x, y."""
    index: NDArray[np.int32]
    """(4, h, w) positions of the pixels around, flattened."""
    weight: NDArray[np.float32]
    """(4, h, w) of which the value there is made; sums to 1."""
    trust: Floats32
    doubt: Floats32
    """How many places around do not look alike."""

    def take(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """(h, w) or (h, w, c) `values` on the neighbouring frame, where the points lie."""
        flat = values.reshape(-1, *values.shape[2:])
        weight = self.weight.reshape(*self.weight.shape, *(1 for _ in values.shape[2:]))
        taken = weight[0] * flat[self.index[0]]
        for n in range(1, len(CORNERS)):
            taken += weight[n] * flat[self.index[n]]
        return taken

    def follow(self, places: FlowField) -> FlowField:
        """(h, w, 2) where `places`, a map on the neighbouring frame to a third one, lead on to."""
        return self.at + self.take(places - pixel_grid(*places.shape[:2]))


def compute_backward_warp(
    motion: FramePairMotion, density: bool, looks: tuple[NDArray[Any], NDArray[Any]] | None = None
) -> BackwardWarp:
    """From the later frame of a pair to the earlier one; `looks` are the (h, w, 3) images of the later and the earlier.

    With `density`, a point that is hidden in the earlier frame has no trust: what lies before it has all the opacity.
    """
    height, width = motion.backward.shape[:2]
    at, seen = target_points(motion.backward), motion.valid_backward
    low = np.floor(at)
    pixel = np.clip(low + CORNERS, 0, np.array([width - 1, height - 1], np.float32))
    index = (pixel[..., 1] * width + pixel[..., 0]).astype(np.int32)
    missed = ((motion.backward + motion.forward.reshape(-1, 2)[index]) ** 2).sum(axis=-1)
    best = missed.min(axis=0)
    near = np.where(CORNERS > 0, at - low, 1 - (at - low)).prod(axis=-1) + NEAR
    weight = near * (np.exp((best - missed) / np.float32(2 * SAME_PX**2)) + LEAST)
    weight /= weight.sum(axis=0)
    trust, doubt = _returns(best, seen) * np.float32(STEP_TRUST), np.zeros((height, width), np.float32)
    step = BackwardWarp(at, index, weight.astype(np.float32), trust, doubt)
    if looks is not None:
        here, there = (np.asarray(image, np.float32) for image in looks)
        alike, doubt = _alike(here - step.take(there), seen)
        trust = trust * alike * np.exp(-((doubt / DOUBTED) ** 2) / 2)
    trust = np.where(seen, trust, np.float32(0)) if density else np.maximum(trust, np.float32(HIDDEN))
    return BackwardWarp(at, index, step.weight, trust.astype(np.float32), doubt)


def _returns(missed: NDArray[np.float32], seen: Mask) -> Floats32:
    """(h, w) 1 where the way back ends where the step began, less by the square of the pixels that it missed by.

    Where all of them miss, as with noise, that is no reason to trust nothing.
    """
    usual = float(np.median(missed[seen])) if seen.any() else 0.0
    return np.exp(-missed / np.float32(2 * (TOLERANCE_PX**2 + usual)))


def _alike(difference: NDArray[np.float32], seen: Mask) -> tuple[Floats32, Floats32]:
    """(h, w) how far places look alike by their (h, w, 3) difference, and what share of those around do not."""
    away = np.sqrt((difference * difference).sum(axis=-1))
    usual = max(LEAST_LEVELS, float(np.median(away[seen])) if seen.any() else 0.0)
    alike = np.exp(-(np.maximum(0, away / np.float32(usual) - USUAL) ** 2) / 2).astype(np.float32)
    counted = seen.astype(np.float32)
    doubt = _around((1 - alike) * counted) / np.maximum(_around(counted), np.float32(LEAST_COUNTED))
    return alike, doubt.astype(np.float32)


def _around(values: NDArray[np.float32]) -> NDArray[np.float32]:
    blurred: Any = cv2.GaussianBlur(values, (0, 0), AROUND_PX)
    return blurred


@dataclass(frozen=True, eq=False)
class BackwardWarpCache:
    """The steps of a clip, those made last at hand."""

    clip: SequenceView
    density: bool
    looks: bool = True
    """Whether places must look alike."""
    _held: OrderedDict[tuple[int, int], BackwardWarp | None] = field(
        default_factory=OrderedDict[tuple[int, int], "BackwardWarp | None"], repr=False
    )

    def back(self, frame: int, other: int) -> BackwardWarp | None:
        """From each pixel of `frame` to where its point lies in its neighbour `other`; None where no flow leads."""
        key = frame, other
        if key not in self._held:
            self._held[key] = self._made(frame, other)
            if len(self._held) > max(4, HELD_BYTES // (STEP_BYTES * self.clip.height * self.clip.width)):
                self._held.popitem(last=False)
        return self._held[key]

    def _made(self, frame: int, other: int) -> BackwardWarp | None:
        inside = min(frame, other) >= 0 and max(frame, other) < self.clip.length
        motion = self.clip.step(other, frame) if inside else None
        if motion is None:
            return None
        here, there = self._image(frame), self._image(other)
        return compute_backward_warp(motion, self.density, None if here is None or there is None else (here, there))

    def _image(self, frame: int) -> NDArray[np.uint8] | None:
        return self.clip.images(frame) if self.looks and self.clip.images is not None else None
