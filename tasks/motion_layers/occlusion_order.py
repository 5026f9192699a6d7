"""What lies before what: ordinal depth from who hides whom.

Where a point is hidden in the next frame, what lies where it should be hides it, and is nearer (the occlusion order of
the field). All such events between two values of the label maps are counted both ways; a value is as near as it wins
more of its pairings than it loses. No camera is needed, and no scale comes of it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tasks.arrays import FlowField, LabelMap
from tasks.geometry.warp import target_points
from tasks.sequence.sequence_view import FramePairMotion

DOUBT = 50.0  # events that a pairing must have to count half: some pixels are hidden by error alone
OcclusionCounts = NDArray[np.float64]
"""(c, c) how many pixels of value i were hidden by value j, at [j, i]."""


def count_occlusions(earlier: LabelMap, later: LabelMap, motion: FramePairMotion, classes: int) -> OcclusionCounts:
    """Pixels of each value hidden by each other one, from an earlier frame to a later one and the other way round."""
    return _hidden(earlier, later, motion.forward, motion.valid, classes) + _hidden(
        later, earlier, motion.backward, motion.valid_backward, classes
    )


def rank_nearness(counted: OcclusionCounts) -> NDArray[np.float64]:
    """(c,) 0 for the farthest value, 1 for the nearest; NaN for values that were in no event."""
    wins, losses = counted, counted.T
    score = ((wins - losses) / (wins + losses + DOUBT)).sum(axis=1)
    score[(wins + losses).sum(axis=1) == 0] = np.nan
    low, high = (np.nanmin(score), np.nanmax(score)) if np.isfinite(score).any() else (0.0, 0.0)
    return (score - low) / (high - low) if high > low else np.full_like(score, np.nan)


def _hidden(
    here: LabelMap, there: LabelMap, flow: FlowField, valid: NDArray[np.bool_], classes: int
) -> OcclusionCounts:
    height, width = here.shape
    at = np.rint(target_points(flow)).astype(int)
    inside = (at >= 0).all(axis=2) & (at[..., 0] < width) & (at[..., 1] < height)
    lost = inside & ~valid
    hider, hidden = there[at[lost][:, 1], at[lost][:, 0]].astype(int), here[lost].astype(int)
    known = (hider != hidden) & (hider < classes) & (hidden < classes)
    return np.bincount(hider[known] * classes + hidden[known], minlength=classes**2).reshape(classes, -1).astype(float)
