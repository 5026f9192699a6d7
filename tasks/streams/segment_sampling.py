"""Where to look in a stretch of video: segments, one look in each.

Wang et al., "Temporal Segment Networks" (ECCV 2016), section 3.1: a stretch is cut into K equal parts and every part
has its say, so that the whole is covered at a fixed price. In training the place within a part is drawn, else it is the
middle.
"""

from __future__ import annotations

import numpy as np


def sample_segment_starts(
    first: int, stop: int, length: int, count: int, random: np.random.Generator | None = None
) -> list[int]:
    """First positions of up to `count` looks of `length` in [first, stop), in order; none where it is too short.

    Where the stretch has fewer places than `count`, each is taken once.
    """
    places = stop - first - length + 1
    if places <= 0:
        return []
    if places <= count:
        return list(range(first, first + places))
    edges = np.linspace(0, places, count + 1)
    shares = np.full(count, 0.5) if random is None else random.random(count)
    return [first + int(at) for at in edges[:-1] + shares * np.diff(edges)]
