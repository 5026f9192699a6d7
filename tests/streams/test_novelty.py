"""How unlike all training segments a window is: against distances by SciPy, and on segments that are easy to judge."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from tasks.streams.novelty import MIN_SEGMENTS, fit_training_features, measure_novelty

SIZE = 6


def make_segments(count: int, seed: int = 0) -> list[np.ndarray]:
    """Segments of one to three clips."""
    rng = np.random.default_rng(seed)
    return [rng.normal(size=(1 + n % 3, SIZE)).astype(np.float32) for n in range(count)]


def test_ranks_are_those_of_distances_to_segments_of_other_videos() -> None:
    segments, videos = make_segments(24), [f"film{n % 8}" for n in range(24)]
    learned = fit_training_features(segments, videos)
    assert learned is not None
    means = np.array([one.mean(axis=0) for one in segments])
    known = (means - means.mean(axis=0)) / means.std(axis=0)
    between = cdist(known, known) / math.sqrt(SIZE)
    between[np.equal.outer(videos, videos)] = np.inf
    nearest = np.sort(between.min(axis=1))
    np.testing.assert_allclose(learned.distances, nearest, rtol=2e-3)
    for window in make_segments(20, seed=1):
        at = (window.mean(axis=0) - means.mean(axis=0)) / means.std(axis=0)
        distance = cdist(known, at[None]).min() / math.sqrt(SIZE)
        assert measure_novelty(learned, window) == pytest.approx((nearest < distance).mean(), abs=0.05)


def test_what_was_learned_is_near_and_what_is_far_away_is_not() -> None:
    segments = make_segments(24)
    learned = fit_training_features(segments, [f"film{n}" for n in range(24)])
    assert [measure_novelty(learned, one) for one in segments] == [0.0] * 24
    assert measure_novelty(learned, segments[0] + 20) == 1.0


def test_segments_of_one_video_alone_are_compared_with_each_other() -> None:
    segments = make_segments(MIN_SEGMENTS)
    learned = fit_training_features(segments, ["film"] * MIN_SEGMENTS)
    assert learned is not None and np.isfinite(learned.distances).all() and learned.distances.min() > 0


def test_a_feature_that_does_not_vary_counts_unscaled() -> None:
    segments = [np.concatenate([one, np.ones((len(one), 1), np.float32)], axis=1) for one in make_segments(8)]
    learned = fit_training_features(segments, [str(n) for n in range(8)])
    assert learned is not None and learned.spread[-1] == 1
    assert measure_novelty(learned, segments[0] + np.eye(SIZE + 1, dtype=np.float32)[-1] * 50) == 1.0


def test_too_few_segments_or_no_features_say_nothing() -> None:
    few = make_segments(MIN_SEGMENTS - 1)
    empty = np.empty((0, SIZE), np.float32)
    assert fit_training_features([*few, empty, empty], list("abcdefg")[: len(few) + 2]) is None
    assert math.isnan(measure_novelty(None, few[0]))
    learned = fit_training_features(make_segments(8), [str(n) for n in range(8)])
    assert math.isnan(measure_novelty(learned, empty))
