"""Ordinal depth from occlusion events.

Where a point is occluded in the next frame, whatever lies at its expected position is the occluder and is nearer to the
camera. Occlusion events between each pair of label values are counted in both directions; a value is as near as it
occludes more than it is occluded. Neither camera poses nor scale are needed, and no metric depth results.
"""

from __future__ import annotations

import numpy as np

from tasks.arrays import Floats, FlowField, LabelMap, Mask
from tasks.geometry.warp import target_points
from tasks.sequence.frame_pair_motion import FramePairMotion

PRIOR_COUNT = 50.0  # events at which a pair counts half: some pixels are invalid by error alone
OcclusionCounts = Floats
"""(c, c) at [j, i] the number of pixels of value i that value j occluded."""


def count_occlusions(earlier: LabelMap, later: LabelMap, motion: FramePairMotion, classes: int) -> OcclusionCounts:
    """Pixels of each value occluded by each other one, from an earlier frame to a later one and in reverse."""
    return _count_one_way(earlier, later, motion.forward, motion.valid, classes) + _count_one_way(
        later, earlier, motion.backward, motion.valid_backward, classes
    )


def rank_nearness(counts: OcclusionCounts) -> Floats:
    """(c,) 0 for the farthest value, 1 for the nearest; NaN for values without any event."""
    wins, losses = counts, counts.T
    score = ((wins - losses) / (wins + losses + PRIOR_COUNT)).sum(axis=1)
    score[(wins + losses).sum(axis=1) == 0] = np.nan
    low, high = (np.nanmin(score), np.nanmax(score)) if np.isfinite(score).any() else (0.0, 0.0)
    return (score - low) / (high - low) if high > low else np.full_like(score, np.nan)


def _count_one_way(here: LabelMap, there: LabelMap, flow: FlowField, valid: Mask, classes: int) -> OcclusionCounts:
    height, width = here.shape
    at = np.rint(target_points(flow)).astype(int)
    inside = (at >= 0).all(axis=2) & (at[..., 0] < width) & (at[..., 1] < height)
    lost = inside & ~valid
    occluder, occluded = there[at[lost][:, 1], at[lost][:, 0]].astype(int), here[lost].astype(int)
    known = (occluder != occluded) & (occluder < classes) & (occluded < classes)
    pair = occluder[known] * classes + occluded[known]
    return np.bincount(pair, minlength=classes**2).reshape(classes, -1).astype(float)
