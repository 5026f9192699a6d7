"""Where something is known without a break, and where a break is short enough to be bridged."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray


def split_at_gaps(time_s: NDArray[np.float64], longest_s: float) -> list[slice]:
    """Stretches of the (t,) increasing times in which no two neighbours are more than `longest_s` apart."""
    cuts = np.flatnonzero(np.diff(time_s) > longest_s) + 1
    edges = [0, *cuts.tolist(), len(time_s)]
    return [slice(a, b) for a, b in pairwise(edges) if a < b]


def bridge_gaps(time_s: NDArray[np.float64], known: NDArray[np.bool_], longest_s: float) -> NDArray[np.bool_]:
    """(t, k) `known`, and what lies between two known ones of its column at most `longest_s` apart."""
    rows = np.arange(len(time_s))[:, None]
    before = np.maximum.accumulate(np.where(known, rows, -1), axis=0)
    after = np.minimum.accumulate(np.where(known, rows, len(rows))[::-1], axis=0)[::-1]
    inside = (before >= 0) & (after < len(rows))
    gap = time_s[np.minimum(after, len(rows) - 1)] - time_s[np.maximum(before, 0)]
    return known | (inside & (gap <= longest_s))
