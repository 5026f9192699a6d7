"""Sparse sampling of snippets: one from each of K equal segments of a range of frames.

Wang et al., "Temporal Segment Networks" (ECCV 2016), section 3.1: the whole range is covered at a fixed cost. In
training the position within a segment is random, else it is the middle.
"""

from __future__ import annotations

import numpy as np


def sample_segment_starts(
    first: int, stop: int, length: int, count: int, random: np.random.Generator | None = None
) -> list[int]:
    """First positions of up to `count` snippets of `length` in [first, stop), in order; none where it is too short.

    Where the range has fewer positions than `count`, each is taken once.
    """
    places = stop - first - length + 1
    if places <= 0:
        return []
    if places <= count:
        return list(range(first, first + places))
    edges = np.linspace(0, places, count + 1)
    shares = np.full(count, 0.5) if random is None else random.random(count)
    return [first + int(at) for at in edges[:-1] + shares * np.diff(edges)]
