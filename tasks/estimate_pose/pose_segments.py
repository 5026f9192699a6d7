"""Segments of a time series without long gaps, and bridging of short gaps."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray


def split_at_gaps(time_s: NDArray[np.float64], max_gap_s: float) -> list[slice]:
    """Slices of the (t,) increasing times in which neighbours are at most `max_gap_s` apart."""
    cuts = np.flatnonzero(np.diff(time_s) > max_gap_s) + 1
    edges = [0, *cuts.tolist(), len(time_s)]
    return [slice(a, b) for a, b in pairwise(edges) if a < b]


def bridge_gaps(time_s: NDArray[np.float64], known: NDArray[np.bool_], max_gap_s: float) -> NDArray[np.bool_]:
    """(t, k) `known`, and the rows between two known ones of a column that are at most `max_gap_s` apart."""
    rows = np.arange(len(time_s))[:, None]
    before = np.maximum.accumulate(np.where(known, rows, -1), axis=0)
    after = np.minimum.accumulate(np.where(known, rows, len(rows))[::-1], axis=0)[::-1]
    inside = (before >= 0) & (after < len(rows))
    gap = time_s[np.minimum(after, len(rows) - 1)] - time_s[np.maximum(before, 0)]
    return known | (inside & (gap <= max_gap_s))
