"""Region matching between two images: assignment by the cosine of mean feature vectors.

The Hungarian method (Kuhn, 1955; SciPy's linear_sum_assignment) finds the one-to-one assignment with the largest sum of
gains; a pair's gain is its cosine minus the minimum accepted. Regions are boxes of detections today; vectors of tracks
or masks work as well.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.match.exact_similarity import compute_similarity, quantize_vectors


@dataclass(frozen=True)
class RegionMatches:
    """Matched pairs of regions, ordered by the first region."""

    first: NDArray[np.intp]
    """(k,) rows of the first image's regions."""
    second: NDArray[np.intp]
    """(k,) rows of the second image's regions."""
    cosine: NDArray[np.float64]
    """(k,) cosine similarity, -1..1."""
    mutual: NDArray[np.bool_]
    """(k,) whether each is the other's best of all regions."""


def match_regions(
    first: NDArray[Any], second: NDArray[Any], min_cosine: float, allowed: NDArray[np.bool_] | None = None
) -> RegionMatches:
    """Assign (n, d) to (m, d) region vectors; pairs must have a cosine above `min_cosine` and be `allowed` (n, m)."""
    from scipy.optimize import linear_sum_assignment

    cosine = compute_similarity(*quantize_vectors(first, second, "cosine"))
    possible = cosine > min_cosine if allowed is None else (cosine > min_cosine) & allowed
    a, b = linear_sum_assignment(np.where(possible, cosine - min_cosine, 0), maximize=True)
    chosen = possible[a, b]
    a, b = a[chosen], b[chosen]
    best = (cosine >= cosine.max(axis=1, keepdims=True, initial=-1)) & (cosine >= cosine.max(axis=0, initial=-1))
    return RegionMatches(a, b, cosine[a, b], best[a, b])
