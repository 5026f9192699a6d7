"""Nearest neighbours against the full table of similarities."""

from __future__ import annotations

import numpy as np
import pytest

from tasks.match.exact_similarity import SimilarityMeasure, compute_similarity, quantize_vectors
from tasks.match.nearest_neighbours import FLOAT_BYTES, SearchWindow, find_nearest, identity_neighbourhood


def vectors(seed: int, count: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, 8)).astype(np.float32)


@pytest.mark.parametrize("measure", ["cosine", "euclidean"])
@pytest.mark.parametrize("rows_at_once", [1, 3, 100])
def test_they_are_the_largest_of_all_similarities_whatever_the_chunks(
    measure: SimilarityMeasure, rows_at_once: int
) -> None:
    first, second = quantize_vectors(vectors(0, 10), vectors(1, 7), measure)
    table = compute_similarity(first, second)
    found = find_nearest(first, second, identity_neighbourhood, chunk_bytes=rows_at_once * 7 * FLOAT_BYTES)
    assert found.index.tolist() == table.argmax(axis=1).tolist()
    np.testing.assert_allclose(found.around[:, 0], table.max(axis=1), rtol=1e-12)


def test_of_equal_similarities_the_first_wins_and_cells_outside_the_grid_have_none() -> None:
    same = np.ones((3, 4), np.float32)
    first, second = quantize_vectors(same, same, "cosine")
    found = find_nearest(first, second, lambda index: np.stack([index, np.full_like(index, -1)], axis=1))
    assert found.index.tolist() == [0, 0, 0]
    assert found.around[:, 0] == pytest.approx([1, 1, 1], abs=1e-3)
    assert (found.around[:, 1] == -np.inf).all()


def test_a_window_excludes_what_is_farther_in_either_coordinate_and_nothing_where_a_position_is_unknown() -> None:
    first, second = quantize_vectors(vectors(2, 3), vectors(3, 6), "cosine")
    places = np.array([[0, 0], [4, 0], [0, 4], [4, 4], [8, 0], [8, 8]], np.float32)
    expected = np.array([[0, 0], [8, 8], [np.nan, np.nan]], np.float32)
    window = SearchWindow(expected, places, 4.0)
    assert window.mask_outside(slice(0, 3)).tolist() == [
        [False, False, False, False, True, True],
        [True, True, True, False, True, False],
        [False] * 6,
    ]
    table = np.where(window.mask_outside(slice(0, 3)), -np.inf, compute_similarity(first, second))
    assert find_nearest(first, second, identity_neighbourhood, window).index.tolist() == table.argmax(axis=1).tolist()
