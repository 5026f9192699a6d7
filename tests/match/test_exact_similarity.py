"""Exact sums, and the two measures."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.match.exact_similarity import QUANTIZED_LENGTH, compute_similarity, quantize_vectors


def unit_vectors(rng: np.random.Generator, n: int, d: int) -> np.ndarray:
    vectors = rng.normal(size=(n, d))
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), d=st.integers(1, 400))
def test_cosine_is_the_cosine(seed: int, d: int) -> None:
    rng = np.random.default_rng(seed)
    a, b = unit_vectors(rng, 5, d), unit_vectors(rng, 7, d)
    found = compute_similarity(*quantize_vectors(a * 3.0, b * rng.uniform(0.1, 9, (7, 1)), "cosine"))
    assert np.allclose(found, a @ b.T, atol=np.sqrt(d) / QUANTIZED_LENGTH + 1e-6)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), d=st.integers(1, 400))
def test_euclidean_is_one_minus_half_the_squared_distance(seed: int, d: int) -> None:
    rng = np.random.default_rng(seed)
    a, b = rng.normal(size=(5, d)), rng.normal(size=(7, d))
    expected = 1 - ((a[:, None] - b) ** 2).sum(axis=2) / 2
    longest = max(np.linalg.norm(a, axis=1).max(), np.linalg.norm(b, axis=1).max())
    assert np.allclose(
        compute_similarity(*quantize_vectors(a, b, "euclidean")),
        expected,
        atol=2 * np.sqrt(d) / QUANTIZED_LENGTH * longest**2 + 1e-6,
    )


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_on_unit_vectors_both_measures_rank_alike(seed: int) -> None:
    rng = np.random.default_rng(seed)
    a, b = unit_vectors(rng, 6, 64), unit_vectors(rng, 50, 64)
    cosine, euclidean = (compute_similarity(*quantize_vectors(a, b, measure)) for measure in ("cosine", "euclidean"))
    assert np.allclose(cosine, euclidean, atol=1e-3)
    # Those that differ by more than rounding stand in the same order.
    apart = np.abs(cosine[:, :, None] - cosine[:, None]) > 2e-3
    order = np.sign(cosine[:, :, None] - cosine[:, None]) == np.sign(euclidean[:, :, None] - euclidean[:, None])
    assert order[apart].all()
    assert apart.mean() > 0.9


def test_measures_differ_where_lengths_do() -> None:
    a, b = np.array([[1.0, 0.0]]), np.array([[5.0, 0.0], [0.9, 0.2]])
    assert compute_similarity(*quantize_vectors(a, b, "cosine")).argmax() == 0
    assert compute_similarity(*quantize_vectors(a, b, "euclidean")).argmax() == 1


@pytest.mark.parametrize("d", [3, 64, 1280])
def test_products_are_exact_in_any_order(d: int) -> None:
    rng = np.random.default_rng(d)
    # All of one sign: the longest sums that there can be.
    a, b = quantize_vectors(np.abs(rng.normal(size=(40, d))), np.abs(rng.normal(size=(40, d))), "cosine")
    exact = a.quantized.astype(np.int64) @ b.quantized.astype(np.int64).T
    shuffled = rng.permutation(d)
    assert exact.max() < 2**24
    assert (a.quantized @ b.quantized.T == exact).all()
    assert (a.quantized[:, shuffled] @ b.quantized[:, shuffled].T == exact).all()
    assert (torch.from_numpy(a.quantized) @ torch.from_numpy(b.quantized).T == torch.from_numpy(exact)).all()


def test_a_vector_without_length_resembles_nothing() -> None:
    found = compute_similarity(*quantize_vectors(np.zeros((1, 4)), np.eye(4), "cosine"))
    assert (found == 0).all()
