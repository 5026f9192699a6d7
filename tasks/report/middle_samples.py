"""Evenly spaced samples that avoid both ends."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def pick_middles(rows: NDArray[np.intp], count: int) -> NDArray[np.intp]:
    """The middle of each of `count` equal parts of `rows`, or all of them where there are no more."""
    count = min(count, len(rows))
    return rows[((np.arange(count) + 0.5) * len(rows) / max(count, 1)).astype(np.intp)]
