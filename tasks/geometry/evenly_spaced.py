"""A few indices out of many, evenly spaced from the first to the last."""

from __future__ import annotations

import numpy as np

from tasks.arrays import Indices


def pick_evenly(total: int, count: int) -> Indices:
    """(n,) ascending indices out of `range(total)`, the first and the last among them; all where `count` >= `total`."""
    return np.unique(np.linspace(0, total - 1, min(count, total)).astype(np.intp))
