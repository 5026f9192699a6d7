"""Fusion: a weighted mean, silence of a stream, and weights that are really the likeliest."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar

from tasks.streams.fusion import EQUAL_WEIGHTS, fit_fusion_weights, fuse_probabilities


def opinions(seed: int, rows: int, labels: int, sharpness: float = 1.0) -> np.ndarray:
    grown = np.exp(sharpness * np.random.default_rng(seed).normal(size=(rows, labels)))
    return grown / grown.sum(axis=1, keepdims=True)


@given(st.integers(0, 1000), st.floats(0, 1))
def test_it_is_the_weighted_mean(seed: int, share: float) -> None:
    rgb, flow = opinions(seed, 5, 4), opinions(seed + 1, 5, 4)
    np.testing.assert_allclose(
        fuse_probabilities(rgb, flow, (1 - share, share)), (1 - share) * rgb + share * flow, atol=1e-12
    )


def test_where_one_stream_is_silent_the_other_decides_and_two_silent_ones_stay_silent() -> None:
    rgb, flow = opinions(0, 3, 4), opinions(1, 3, 4)
    rgb[0], flow[1], rgb[2], flow[2] = np.nan, np.nan, np.nan, np.nan
    found = fuse_probabilities(rgb, flow, (1.0, 0.0))
    np.testing.assert_array_equal(found[0], flow[0])
    np.testing.assert_array_equal(found[1], rgb[1])
    assert np.isnan(found[2]).all()


def test_no_rows_give_no_rows() -> None:
    assert fuse_probabilities(np.empty((0, 3)), np.empty((0, 3)), EQUAL_WEIGHTS).shape == (0, 3)


@given(st.integers(0, 1000))
def test_learned_weights_are_those_of_greatest_likelihood(seed: int) -> None:
    """The reference: a continuous search over the share of one stream."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, 3, 40)
    rgb, flow = opinions(seed, 40, 3, 2.0), opinions(seed + 1, 40, 3, 2.0)
    rgb[np.arange(40), labels] += random.random(40)
    rgb /= rgb.sum(axis=1, keepdims=True)

    def surprise(share: float) -> float:
        return -np.log((1 - share) * rgb[np.arange(40), labels] + share * flow[np.arange(40), labels]).sum()

    weights = fit_fusion_weights(rgb, flow, labels)
    best: Any = minimize_scalar(surprise, bounds=(0, 1), method="bounded")
    assert abs(sum(weights) - 1) < 1e-12
    assert surprise(weights[1]) <= surprise(float(best.x)) + 0.05


def test_a_stream_that_knows_takes_all_and_equal_ones_share() -> None:
    labels = np.arange(30) % 3
    knows, guesses = np.eye(3)[labels] * 0.97 + 0.01, np.full((30, 3), 1 / 3)
    assert fit_fusion_weights(knows, guesses, labels) == (1.0, 0.0)
    assert fit_fusion_weights(guesses, knows, labels) == (0.0, 1.0)
    assert fit_fusion_weights(knows, knows, labels) == EQUAL_WEIGHTS
