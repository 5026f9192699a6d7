"""What moves by itself, as flat layers: regions whose flow is not the camera's, followed from frame to frame.

Wang and Adelson, "Representing Moving Images with Layers" (IEEE Transactions on Image Processing 3, 1994): each layer
has a support and an affine motion. Here a region of a frame is what moves otherwise than the camera and hangs
together; it is the same layer as the region of the next frame that its own motion takes it onto. Where a layer is
hidden altogether, it moves on as it last did.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.fit_field.clip import Mask, Motion
from tasks.geometry.homography import camera_flow
from tasks.geometry.warp import Flow, pixel_grid

MOVING_PX = 0.7  # off the camera's motion: three times DIS's mean error on Middlebury
LEAST_AREA = 1 / 800  # of the frame, that a region must have: 46 px at 144 x 256
SAME = 0.3  # overlap of a region, moved, with the next frame's that makes them one layer
SAMPLES = 600  # vectors that an affine motion is fitted to
REPROJECTION_PX = 1.0
Affine = NDArray[np.float64]
"""(3, 3), last row 0 0 1."""


@dataclass
class Layer:
    """One thing over time."""

    masks: dict[int, Mask] = field(default_factory=dict[int, "Mask"])
    """Frame to what is seen of it there."""
    steps: dict[int, Affine] = field(default_factory=dict[int, "Affine"])
    """Frame to its motion to the next frame."""

    def way(self, start: int, end: int) -> Affine:
        """Pixels of it on frame `start` to pixels on frame `end`; where it is not seen it moves on as it did."""
        found = np.eye(3)
        for frame in range(min(start, end), max(start, end)):
            nearest = min(self.steps, key=lambda known: abs(known - frame), default=None)
            if nearest is not None:
                found = self.steps[nearest] @ found
        return found if end >= start else np.linalg.inv(found).astype(np.float64)


def layers_of(motions: Mapping[int, Motion], cameras: Mapping[int, Affine], hidden: Mapping[int, Mask]) -> list[Layer]:
    """The layers of a window of frames, from the motion of each frame to the next, the camera's, and what to ignore."""
    layers: list[Layer] = []
    current: list[Layer] = []
    for frame in sorted(motions):
        motion = motions[frame]
        apart = _apart(motion.forward, cameras[frame])
        regions = regions_of(motion.valid & (apart > MOVING_PX) & ~hidden[frame])
        current = _linked(frame, regions, current)
        layers += [layer for layer in current if len(layer.masks) == 1]
        for layer in current:
            layer.steps[frame] = affine_of(motion.forward, layer.masks[frame])
    return layers


def regions_of(moving: Mask) -> list[Mask]:
    """What hangs together, specks left out."""
    closed = cv2.morphologyEx(moving.astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    count, number, stats, _ = cv2.connectedComponentsWithStats(closed)
    least = LEAST_AREA * moving.size
    return [number == n for n in range(1, count) if stats[n, cv2.CC_STAT_AREA] >= least]


def affine_of(flow: Flow, mask: Mask) -> Affine:
    """The affine motion that most of the (h, w, 2) `flow` under a mask agrees with."""
    rows, columns = np.nonzero(mask)
    some = slice(None, None, max(1, len(rows) // SAMPLES))
    start = np.stack([columns[some], rows[some]], axis=1).astype(np.float32)
    moved = flow[rows[some], columns[some]]
    found: Any = cv2.estimateAffine2D(start, start + moved, method=cv2.RANSAC, ransacReprojThreshold=REPROJECTION_PX)
    matrix = np.eye(3)
    if found[0] is None:
        matrix[:2, 2] = np.median(moved, axis=0)
    else:
        matrix[:2] = found[0]
    return matrix


@lru_cache(maxsize=4)
def homogeneous(height: int, width: int) -> NDArray[np.float64]:
    """(h, w, 3) x, y, 1 of every pixel."""
    return np.concatenate([pixel_grid(height, width).astype(np.float64), np.ones((height, width, 1))], axis=2)


def places(way: Affine, height: int, width: int) -> Flow:
    """(h, w, 2) where a (3, 3) motion takes every pixel."""
    at = homogeneous(height, width) @ way.T
    return (at[..., :2] / at[..., 2:]).astype(np.float32)


def _apart(flow: Flow, camera: Affine) -> NDArray[np.float32]:
    apart = flow - camera_flow(camera, *flow.shape[:2])
    return np.hypot(apart[..., 0], apart[..., 1])


def _linked(frame: int, regions: list[Mask], before: list[Layer]) -> list[Layer]:
    """A layer for every region: one of those `before` that moves onto it, or a new one."""
    pairs: list[tuple[float, int, int]] = []
    for number, layer in enumerate(before):
        moved = _moved(layer.masks[frame - 1], layer.steps[frame - 1])
        for other, region in enumerate(regions):
            common = float((moved & region).sum())
            pairs.append((common / max(1.0, min(float(moved.sum()), float(region.sum()))), number, other))
    found: dict[int, Layer] = {}
    taken: set[int] = set()
    for overlap, number, other in sorted(pairs, key=lambda pair: (-pair[0], pair[1:])):
        if overlap >= SAME and other not in found and number not in taken:
            found[other] = before[number]
            taken.add(number)
    layers = [found.get(other, Layer()) for other in range(len(regions))]
    for layer, region in zip(layers, regions, strict=True):
        layer.masks[frame] = region
    return layers


def _moved(mask: Mask, step: Affine) -> Mask:
    height, width = mask.shape
    return cv2.warpAffine(mask.astype(np.uint8), step[:2], (width, height)).astype(np.bool_)
