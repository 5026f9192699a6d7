"""Merging of motion layers that are parts of one object: an occluder can split an object in two, in space or in time.

Two layers are merged where, in the frames that show both, one affine motion explains both (the criterion by which Wang
and Adelson, 1994, merge layers), or, where no frame shows both, where one, extrapolated, overlaps the other when that
appears.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import cv2
import numpy as np

from tasks.arrays import Mask, Matrix
from tasks.geometry.evenly_spaced import pick_evenly
from tasks.motion_layers.motion_layer import MotionLayer, fit_affine_motion, sample_flow, warp_mask
from tasks.sequence.frame_pair_motion import FramePairMotion

MAX_GAP_PX = 24.0  # largest distance of two parts of one object in the frame in which they are closest
MAX_RESIDUAL_PX = 0.5  # median residual of the common motion, per frame, on the part with the larger one
MIN_COMMON_STEPS = 3
MAX_COMPARED_STEPS = 12  # of the common ones, evenly spread
MIN_AGREEING_SHARE = 0.8  # of the compared steps
MAX_HIDDEN_FRAMES = 8  # for which an object may be fully occluded
MIN_OVERLAP = 0.3  # of an extrapolated layer with the one that appears


def merge_layers(layers: Sequence[MotionLayer], motions: Mapping[int, FramePairMotion]) -> list[MotionLayer]:
    """The layers after merging the parts of one object, the largest first."""
    left = sorted(layers, key=_count_pixels, reverse=True)
    found: list[MotionLayer] = []
    while left:
        whole, *left = left
        again = True
        while again:
            again = False
            for part in left:
                if _is_same_object(whole, part, motions):
                    whole = _merge_pair(whole, part, motions)
                    left = [other for other in left if other is not part]
                    again = True
                    break
        found.append(whole)
    return sorted(found, key=_count_pixels, reverse=True)


def _count_pixels(layer: MotionLayer) -> int:
    """Total area of the layer over all frames, pixels."""
    return sum(int(mask.sum()) for mask in layer.masks.values())


def _is_same_object(a: MotionLayer, b: MotionLayer, motions: Mapping[int, FramePairMotion]) -> bool:
    """Whether two layers are parts of one object: by common motion, or by extrapolation where no frame has both."""
    common = sorted(a.transforms.keys() & b.transforms.keys())
    if not common:
        return _continues_as(a, b) or _continues_as(b, a)
    some = [common[n] for n in pick_evenly(len(common), MAX_COMPARED_STEPS)]
    if len(common) < MIN_COMMON_STEPS or not any(_is_near(a.masks[n], b.masks[n]) for n in some):
        return False
    agree = [_share_motion(a.masks[n], b.masks[n], motions[n]) for n in some]
    return sum(agree) >= MIN_AGREEING_SHARE * len(agree)


def _is_near(a: Mask, b: Mask) -> bool:
    """Whether two masks are less than MAX_GAP_PX apart."""
    distance = cv2.distanceTransform((~a).astype(np.uint8), cv2.DIST_L2, 3)
    return bool((distance[b] < MAX_GAP_PX).any())


def _share_motion(a: Mask, b: Mask, motion: FramePairMotion) -> bool:
    """Whether one affine motion, fitted to both masks together, explains the flow under each."""
    both = fit_affine_motion(motion.forward, (a | b) & motion.valid)
    return (
        max(_median_residual(both, a & motion.valid, motion), _median_residual(both, b & motion.valid, motion))
        < MAX_RESIDUAL_PX
    )


def _median_residual(matrix: Matrix, mask: Mask, motion: FramePairMotion) -> float:
    """Median distance in pixels between an affine motion and the flow under a mask."""
    at, flow = sample_flow(motion.forward, mask)
    if not len(at):
        return 0.0
    gap = at @ matrix[:2, :2].T + matrix[:2, 2] - at - flow
    return float(np.median(np.linalg.norm(gap, axis=1)))


def _continues_as(a: MotionLayer, b: MotionLayer) -> bool:
    """Whether `a`, extrapolated beyond its last frame, overlaps `b`, extrapolated before its first, mid-gap."""
    last, first = max(a.masks), min(b.masks)
    if not 0 < first - last <= MAX_HIDDEN_FRAMES or not a.transforms or not b.transforms:
        return False
    # Both motions are extrapolated to the middle of the gap.
    middle = (last + first) // 2
    ahead = warp_mask(a.masks[last], a.transform_between(last, middle))
    back = warp_mask(b.masks[first], b.transform_between(first, middle))
    return int((ahead & back).sum()) >= MIN_OVERLAP * max(1, min(int(ahead.sum()), int(back.sum())))


def _merge_pair(a: MotionLayer, b: MotionLayer, motions: Mapping[int, FramePairMotion]) -> MotionLayer:
    """One layer with the union of the masks; motions are fitted again in common frames."""
    masks = a.masks | b.masks
    for n in a.masks.keys() & b.masks.keys():
        masks[n] = a.masks[n] | b.masks[n]
    transforms = a.transforms | b.transforms
    for n in a.transforms.keys() & b.transforms.keys():
        transforms[n] = fit_affine_motion(motions[n].forward, masks[n] & motions[n].valid)
    return MotionLayer(masks, transforms)
