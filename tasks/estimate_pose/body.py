"""The body's height in pixels, from the lengths of its parts: a person who bends or crouches keeps it.

Parts in body heights: Drillis and Contini (1966), as printed in Winter (2009), figure 4.1. Seen at a slant a part is
shorter, never longer, so over a while the upper quartile is taken.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tasks.artifacts.poses import INDEX
from tasks.estimate_pose.angles import SIDES, middle

Array = NDArray[np.float64]
TRUNK, THIGH, SHANK = 0.818 - 0.530, 0.530 - 0.285, 0.285 - 0.039  # shoulder, hip, knee and ankle above the ground
QUARTILE = 75
AROUND_S = 1.0  # on both sides: longer than a stride, shorter than a walk towards the camera


def body_height(time_s: Array, xy: Array) -> Array:
    """(t,) body height in pixels of one person with (t, 17, 2) keypoints; NaN where trunk or legs are not known."""
    seen = seen_height(xy)
    known = np.flatnonzero(np.isfinite(seen))
    if not len(known):
        return np.full(len(time_s), np.nan)
    first = np.searchsorted(time_s[known], time_s - AROUND_S)
    last = np.searchsorted(time_s[known], time_s + AROUND_S, side="right")
    return np.array(
        [np.percentile(seen[known[a:b]], QUARTILE) if a < b else np.nan for a, b in zip(first, last, strict=True)]
    )


def seen_height(xy: Array) -> Array:
    """(n,) height that trunk and the longer leg give, each part as long as it looks; NaN without either."""
    trunk = np.linalg.norm(middle(xy, "shoulder") - middle(xy, "hip"), axis=1)
    legs = [_length(xy, f"hip_{side}", f"knee_{side}") + _length(xy, f"knee_{side}", f"ankle_{side}") for side in SIDES]
    return (trunk + np.fmax(*legs)) / (TRUNK + THIGH + SHANK)


def _length(xy: Array, first: str, second: str) -> Array:
    return np.linalg.norm(xy[:, INDEX[first]] - xy[:, INDEX[second]], axis=1)
