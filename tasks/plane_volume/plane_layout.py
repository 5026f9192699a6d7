"""Ordinal depth: which layer lies in which plane of the volume.

A layer lies before whatever it hides. Of all pairs the surest come first, and a pair that would close a circle is left
out; then every layer takes the farthest plane that lies before all it hides and holds nothing it meets.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.arrays import Mask
from tasks.motion_layers.motion_layer import MotionLayer
from tasks.motion_layers.occlusion_order import count_occlusions
from tasks.sequence.sequence_view import FramePairMotion

BACKGROUND_PLANE = 0  # the plane of what does not move by itself
MARGIN = 25.0  # pixels by which one must hide the other more often than the other way round
SURE = 0.3  # share of all their events that this must be
MEET_PX = 6  # two layers that come so near to each other need planes of their own
PlaneIndices = NDArray[np.intp]
"""(layers,) the plane of each layer, from 1, the farthest, on."""


def assign_planes(
    layers: Sequence[MotionLayer], motions: Mapping[int, FramePairMotion], size: tuple[int, int], most: int
) -> PlaneIndices:
    """The plane of each layer, of at most `most` planes, the backdrop's among them."""
    counted = _counted(layers, motions, size)
    behind = _behind(counted)
    meet = _meet(layers)
    found = np.zeros(len(layers) + 1, np.intp)
    for layer in _from_far_to_near(behind):
        if layer == 0:
            continue
        least = 1 + max((found[other] for other in range(len(found)) if behind[other, layer]), default=0)
        taken = {int(found[other]) for other in range(1, len(found)) if meet[other - 1, layer - 1]}
        free = [plane for plane in range(max(1, least), most) if plane not in taken]
        found[layer] = free[0] if free else most - 1
    return found[1:]


def make_layer_map(layers: Sequence[MotionLayer], frame: int, size: tuple[int, int]) -> NDArray[np.uint8]:
    """(h, w) 1 for the first layer and so on, 0 for the backdrop."""
    found = np.zeros(size, np.uint8)
    for number, layer in enumerate(layers, start=1):
        if frame in layer.masks:
            found[layer.masks[frame]] = number
    return found


def _counted(
    layers: Sequence[MotionLayer], motions: Mapping[int, FramePairMotion], size: tuple[int, int]
) -> NDArray[np.float64]:
    count = len(layers) + 1
    total = np.zeros((count, count))
    for frame, motion in motions.items():
        total += count_occlusions(
            make_layer_map(layers, frame, size), make_layer_map(layers, frame + 1, size), motion, count
        )
    return total


def _behind(counted: NDArray[np.float64]) -> NDArray[np.bool_]:
    """(n, n) at [i, j] whether i lies behind j, directly or by what lies between; free of circles."""
    lead = counted - counted.T  # at [j, i]: how much more often j hides i
    count = len(counted)
    reach = np.zeros((count, count), np.bool_)
    near, far = np.nonzero((lead > MARGIN) & (lead > SURE * (counted + counted.T)))
    for n in np.argsort(-lead[near, far], kind="stable"):
        i, j = int(far[n]), int(near[n])
        if not reach[j, i]:
            before = reach[:, i].copy()
            before[i] = True
            after = reach[j].copy()
            after[j] = True
            reach |= before[:, None] & after[None]
    return reach


def _from_far_to_near(behind: NDArray[np.bool_]) -> list[int]:
    """All layers, each after those behind it; the backdrop first among equals."""
    return sorted(range(len(behind)), key=lambda n: (int(behind[:, n].sum()), n))


def _meet(layers: Sequence[MotionLayer]) -> NDArray[np.bool_]:
    near = [{n: _grown(mask) for n, mask in layer.masks.items()} for layer in layers]
    found = np.zeros((len(layers),) * 2, np.bool_)
    for a in range(len(layers)):
        for b in range(a):
            common = layers[a].masks.keys() & layers[b].masks.keys()
            found[a, b] = found[b, a] = any((near[a][n] & layers[b].masks[n]).any() for n in common)
    return found


def _grown(mask: Mask) -> Mask:
    return cv2.dilate(mask.astype(np.uint8), np.ones((2 * MEET_PX + 1,) * 2, np.uint8)).astype(np.bool_)
