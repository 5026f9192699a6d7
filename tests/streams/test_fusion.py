"""Fusion: a weighted product, silence of a stream, and weights that are really the likeliest."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tasks.streams.fusion import EQUAL_WEIGHTS, fit_fusion_weights, fuse_probabilities


def opinions(seed: int, rows: int, labels: int, sharpness: float = 1.0) -> np.ndarray:
    grown = np.exp(sharpness * np.random.default_rng(seed).normal(size=(rows, labels)))
    return grown / grown.sum(axis=1, keepdims=True)


@given(st.integers(0, 1000), st.floats(0, 2), st.floats(0, 2))
def test_it_is_the_normalised_weighted_product(seed: int, first: float, second: float) -> None:
    rgb, flow = opinions(seed, 5, 4), opinions(seed + 1, 5, 4)
    product = rgb**first * flow**second
    found = fuse_probabilities(rgb, flow, (first, second))
    np.testing.assert_allclose(found, product / product.sum(axis=1, keepdims=True), atol=1e-9)


def test_what_neither_stream_can_tell_alone_both_tell_together() -> None:
    """Three ways of moving in three colours: one stream knows the way, the other the colour."""
    labels = np.arange(9)
    way, colour = labels // 3, labels % 3
    flow = np.where(way[:, None] == way, 0.3, 0.1 / 6)
    rgb = np.where(colour[:, None] == colour, 0.3, 0.1 / 6)
    fused = fuse_probabilities(rgb, flow, (1.0, 1.0))
    assert (fused.argmax(axis=1) == labels).all() and (fused.max(axis=1) > 0.75).all()


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
def test_learned_weights_are_those_of_greatest_posterior_probability(seed: int) -> None:
    """The reference: a fine grid over both weights."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, 3, 40)
    rgb, flow = opinions(seed, 40, 3, 2.0), opinions(seed + 1, 40, 3, 2.0)
    rgb[np.arange(40), labels] += random.random(40)
    rgb /= rgb.sum(axis=1, keepdims=True)

    def surprise(weights: tuple[float, float]) -> float:
        fused = fuse_probabilities(rgb, flow, weights)[np.arange(40), labels]
        return float(-np.log(fused).sum() + 0.5 * sum((weight - 1) ** 2 for weight in weights))

    weights = fit_fusion_weights(rgb, flow, labels)
    grid = [(first, second) for first in np.linspace(0, 3, 13) for second in np.linspace(0, 3, 13)]
    assert min(weights) >= 0
    assert surprise(weights) <= min(map(surprise, grid)) + 1e-6


def test_a_stream_that_guesses_or_misleads_changes_no_label() -> None:
    labels = np.arange(30) % 3
    knows, guesses = np.eye(3)[labels] * 0.97 + 0.01, np.full((30, 3), 1 / 3)
    misleads = np.eye(3)[(labels + 1) % 3] * 0.97 + 0.01
    for other in (guesses, misleads):
        found = fuse_probabilities(knows, other, fit_fusion_weights(knows, other, labels))
        assert (found.argmax(axis=1) == labels).all()
    weights = fit_fusion_weights(misleads, knows, labels)
    assert weights[0] < weights[1] / 2


def test_an_overconfident_stream_counts_less() -> None:
    """Of two streams as often right, one says .99 where it should say .7."""
    random = np.random.default_rng(0)
    labels = random.integers(0, 2, 400)
    said = [np.where(random.random(400) < 0.7, labels, 1 - labels) for _ in range(2)]
    modest, loud = (np.eye(2)[one] * (2 * sure - 1) + (1 - sure) for one, sure in zip(said, (0.7, 0.99), strict=True))
    weights = fit_fusion_weights(modest, loud, labels)
    assert weights[1] < 0.5 * weights[0]
