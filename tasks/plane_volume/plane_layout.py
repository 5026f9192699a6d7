"""Assignment of motion layers to the planes of the volume by their occlusion order.

A layer is in front of whatever it occludes. Pairs are added to the order by descending evidence; a pair that would
close a cycle is skipped. Then each layer takes the farthest plane in front of all that it occludes and without any
layer that it touches.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from tasks.arrays import Floats, Indices
from tasks.motion_layers.motion_layer import MotionLayer
from tasks.motion_layers.occlusion_order import count_occlusions
from tasks.plane_volume.mask_dilation import dilate_mask
from tasks.sequence.frame_pair_motion import FramePairMotion

BACKGROUND_PLANE = 0
MIN_OCCLUSION_LEAD = 25.0  # pixels by which one must occlude the other more often than the reverse
MIN_LEAD_SHARE = 0.3  # of all their occlusion events
CONTACT_PX = 6  # two layers that come so close need different planes
PlaneIndices = Indices
"""(layers,) the plane of each layer, from 1, the farthest, on."""


def assign_planes(
    layers: Sequence[MotionLayer], motions: Mapping[int, FramePairMotion], size: tuple[int, int], max_planes: int
) -> PlaneIndices:
    """The plane of each layer, of at most `max_planes` planes including the background's."""
    behind = _order_layers(_count_layer_occlusions(layers, motions, size))
    contact = _find_contacts(layers)
    found = np.zeros(len(layers) + 1, np.intp)
    for layer in _sort_far_to_near(behind):
        if layer == 0:
            continue
        least = 1 + max((found[other] for other in range(len(found)) if behind[other, layer]), default=0)
        taken = {int(found[other]) for other in range(1, len(found)) if contact[other - 1, layer - 1]}
        free = [plane for plane in range(max(1, least), max_planes) if plane not in taken]
        found[layer] = free[0] if free else max_planes - 1
    return found[1:]


def make_layer_map(layers: Sequence[MotionLayer], frame: int, size: tuple[int, int]) -> NDArray[np.uint8]:
    """(h, w) 1 for the first layer and so on, 0 for the background."""
    found = np.zeros(size, np.uint8)
    for number, layer in enumerate(layers, start=1):
        if frame in layer.masks:
            found[layer.masks[frame]] = number
    return found


def _count_layer_occlusions(
    layers: Sequence[MotionLayer], motions: Mapping[int, FramePairMotion], size: tuple[int, int]
) -> Floats:
    count = len(layers) + 1
    total = np.zeros((count, count))
    for frame, motion in motions.items():
        here, there = (make_layer_map(layers, n, size) for n in (frame, frame + 1))
        total += count_occlusions(here, there, motion, count)
    return total


def _order_layers(counts: Floats) -> NDArray[np.bool_]:
    """(n, n) at [i, j] whether i lies behind j, directly or transitively; acyclic."""
    lead = counts - counts.T  # at [j, i]: how much more often j occludes i
    count = len(counts)
    reach = np.zeros((count, count), np.bool_)
    near, far = np.nonzero((lead > MIN_OCCLUSION_LEAD) & (lead > MIN_LEAD_SHARE * (counts + counts.T)))
    for n in np.argsort(-lead[near, far], kind="stable"):
        i, j = int(far[n]), int(near[n])
        if not reach[j, i]:
            before = reach[:, i].copy()
            before[i] = True
            after = reach[j].copy()
            after[j] = True
            reach |= before[:, None] & after[None]
    return reach


def _sort_far_to_near(behind: NDArray[np.bool_]) -> list[int]:
    """All layers in topological order, each after those behind it; the background first among equals."""
    return sorted(range(len(behind)), key=lambda n: (int(behind[:, n].sum()), n))


def _find_contacts(layers: Sequence[MotionLayer]) -> NDArray[np.bool_]:
    """(layers, layers) whether two layers come within CONTACT_PX of each other in any frame."""
    dilated = [{n: dilate_mask(mask, CONTACT_PX) for n, mask in layer.masks.items()} for layer in layers]
    found = np.zeros((len(layers),) * 2, np.bool_)
    for a in range(len(layers)):
        for b in range(a):
            common = layers[a].masks.keys() & layers[b].masks.keys()
            found[a, b] = found[b, a] = any((dilated[a][n] & layers[b].masks[n]).any() for n in common)
    return found
