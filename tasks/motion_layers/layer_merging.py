"""Pieces of one thing, put together again: what parts a thing in two, or hides it for a while, parts its trajectories.

Two pieces are one where, in the frames that show both, one affine motion explains both (what Wang and Adelson, 1994,
merge layers by), or, where no frame does, where one moves on to where the other appears.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import cv2
import numpy as np

from tasks.arrays import Mask, Matrix
from tasks.motion_layers.motion_layer import MotionLayer, fit_affine_motion, warp_mask
from tasks.sequence.sequence_view import FramePairMotion

NEAR_PX = 24.0  # between two pieces of one thing, in some frame
AGREES_PX = 0.5  # median miss of the common motion, per frame, on the piece that it misses more
LEAST_COMMON = 3  # steps
SHARE = 0.8  # of the common steps that must agree
GAP = 8  # frames for which a thing may be hidden altogether
LANDS = 0.3  # overlap of a piece that moved on with the one that appears


def merge_layers(layers: Sequence[MotionLayer], motions: Mapping[int, FramePairMotion]) -> list[MotionLayer]:
    """The layers with pieces of one thing made one, the largest first."""
    left = sorted(layers, key=_size, reverse=True)
    found: list[MotionLayer] = []
    while left:
        whole, *left = left
        again = True
        while again:
            again = False
            for piece in left:
                if _one(whole, piece, motions):
                    whole = _merged(whole, piece, motions)
                    left = [other for other in left if other is not piece]
                    again = True
                    break
        found.append(whole)
    return sorted(found, key=_size, reverse=True)


def _size(layer: MotionLayer) -> int:
    return sum(int(mask.sum()) for mask in layer.masks.values())


def _one(a: MotionLayer, b: MotionLayer, motions: Mapping[int, FramePairMotion]) -> bool:
    common = sorted(a.steps.keys() & b.steps.keys())
    if not common:
        return _leads(a, b) or _leads(b, a)
    if len(common) < LEAST_COMMON or not any(_near(a.masks[n], b.masks[n]) for n in common):
        return False
    agree = [_agree(a.masks[n], b.masks[n], motions[n]) for n in common]
    return sum(agree) >= SHARE * len(agree)


def _near(a: Mask, b: Mask) -> bool:
    away = cv2.distanceTransform((~a).astype(np.uint8), cv2.DIST_L2, 3)
    return bool((away[b] < NEAR_PX).any())


def _agree(a: Mask, b: Mask, motion: FramePairMotion) -> bool:
    both = fit_affine_motion(motion.forward, (a | b) & motion.valid)
    return max(_miss(both, a & motion.valid, motion), _miss(both, b & motion.valid, motion)) < AGREES_PX


def _miss(way: Matrix, mask: Mask, motion: FramePairMotion) -> float:
    """Median distance in pixels of where `way` takes the pixels of a mask from where their flow does."""
    rows, columns = np.nonzero(mask)
    if not len(rows):
        return 0.0
    at = np.stack([columns, rows], axis=1).astype(np.float64)
    gap = at @ way[:2, :2].T + way[:2, 2] - at - motion.forward[rows, columns]
    return float(np.median(np.linalg.norm(gap, axis=1)))


def _leads(a: MotionLayer, b: MotionLayer) -> bool:
    """Whether `a`, moving on after it was last seen, comes to where `b` is first seen."""
    last, first = max(a.masks), min(b.masks)
    if not 0 < first - last <= GAP or not a.steps or not b.steps:
        return False
    # The pace before and after it was hidden both count: half of the way each.
    middle = (last + first) // 2
    ahead = warp_mask(a.masks[last], a.way(last, middle))
    back = warp_mask(b.masks[first], b.way(first, middle))
    return int((ahead & back).sum()) >= LANDS * max(1, min(int(ahead.sum()), int(back.sum())))


def _merged(a: MotionLayer, b: MotionLayer, motions: Mapping[int, FramePairMotion]) -> MotionLayer:
    masks = a.masks | b.masks
    for n in a.masks.keys() & b.masks.keys():
        masks[n] = a.masks[n] | b.masks[n]
    steps = a.steps | b.steps
    for n in a.steps.keys() & b.steps.keys():
        steps[n] = fit_affine_motion(motions[n].forward, masks[n] & motions[n].valid)
    return MotionLayer(masks, steps)
