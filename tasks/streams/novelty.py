"""How unlike all training segments a window is: the distance of its features to the nearest of theirs, as a rank.

Out-of-distribution detection by the nearest neighbour (Sun et al., "Out-of-Distribution Detection with Deep Nearest
Neighbors", ICML 2022), with features standardised as the heads standardise them, and the rank of the distance among
those that the training segments have to segments of other videos: 0.95 is farther than 95 of 100 of them. Measured on
the motion features of rendered figures, five clips of each of four motions learned: above 0.95 lie 80 % of the windows
of the six other motions and 8 % of new windows of the four (cosine distances, as in the paper: 55 % and 4 %).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tasks.artifacts.action_model import TrainingFeatures

MIN_SEGMENTS = 5  # with fewer, a rank says nothing
MIN_STANDARD_DEVIATION = 1e-6  # features with less do not vary among the training segments: they are not scaled


def fit_training_features(features: Sequence[NDArray[np.float32]], videos: Sequence[str]) -> TrainingFeatures | None:
    """Of the (clips or stacks, d) features of each training segment and the name of its video; segments without any
    are left out. None with fewer than MIN_SEGMENTS.

    Segments of one video are alike, so that distances are to those of others; of one video alone, to all others.
    """
    known = [place for place, one in enumerate(features) if len(one)]
    if len(known) < MIN_SEGMENTS:
        return None
    means = np.array([features[place].mean(axis=0, dtype=np.float64) for place in known])
    mean, spread = means.mean(axis=0), means.std(axis=0)
    spread = np.where(spread > MIN_STANDARD_DEVIATION, spread, 1.0)
    vectors = ((means - mean) / spread).astype(np.float16)
    names = np.array([videos[place] for place in known])
    groups = names if len(set(names)) > 1 else np.arange(len(known))
    nearest = np.array(
        [
            _measure_distances(vectors[groups != group], vector.astype(np.float64)).min()
            for group, vector in zip(groups, vectors, strict=True)
        ]
    )
    return TrainingFeatures(mean.astype(np.float32), spread.astype(np.float32), vectors, np.sort(nearest))


def measure_novelty(learned: TrainingFeatures | None, features: NDArray[np.float32]) -> float:
    """Share of the training segments that are nearer to their nearest than the (clips or stacks, d) features of a
    window are to theirs, 0..1; NaN where nothing is known of the training."""
    if learned is None or not len(features):
        return float("nan")
    vector = (features.mean(axis=0, dtype=np.float64) - learned.mean) / learned.spread
    distance = _measure_distances(learned.vectors, vector).min()
    return float(np.searchsorted(learned.distances, distance, side="left") / len(learned.distances))


def _measure_distances(vectors: NDArray[np.float16], vector: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n,) root mean squares of the differences to (n, d) vectors."""
    return np.sqrt(((vectors.astype(np.float64) - vector) ** 2).mean(axis=1))
