"""Nearest neighbours against the full table of similarities."""

from __future__ import annotations

import numpy as np
import pytest

from tasks.match.exact_similarity import SimilarityMeasure, compute_similarity, quantize_vectors
from tasks.match.grid_cells import SearchWindow, make_neighbourhood
from tasks.match.nearest_neighbours import find_nearest, find_nearest_in_window
from tasks.match.score_blocks import FLOAT_BYTES, NumpyScorer, TorchScorer


def vectors(seed: int, count: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, 8)).astype(np.float32)


def the_cell_alone(index: np.ndarray) -> np.ndarray:
    return index[:, None]


@pytest.mark.parametrize("measure", ["cosine", "euclidean"])
@pytest.mark.parametrize("rows_at_once", [1, 3, 100])
def test_they_are_the_largest_of_all_similarities_in_both_directions_whatever_the_chunks(
    measure: SimilarityMeasure, rows_at_once: int
) -> None:
    first, second = quantize_vectors(vectors(0, 10), vectors(1, 7), measure)
    table = compute_similarity(first, second)
    found = find_nearest(first, second, the_cell_alone, chunk_bytes=rows_at_once * 7 * FLOAT_BYTES)
    assert found.index.tolist() == table.argmax(axis=1).tolist()
    assert found.back.tolist() == table.argmax(axis=0).tolist()
    np.testing.assert_allclose(found.around[:, 0], table.max(axis=1), rtol=1e-12)


@pytest.mark.parametrize("rows_at_once", [1, 2, 3])
def test_of_equal_similarities_the_first_wins_and_cells_outside_the_grid_have_none(rows_at_once: int) -> None:
    same = np.ones((3, 4), np.float32)
    first, second = quantize_vectors(same, same, "cosine")
    found = find_nearest(
        first,
        second,
        lambda index: np.stack([index, np.full_like(index, -1)], axis=1),
        chunk_bytes=rows_at_once * 3 * FLOAT_BYTES,
    )
    assert found.index.tolist() == [0, 0, 0]
    assert found.back.tolist() == [0, 0, 0]
    assert found.around[:, 0] == pytest.approx([1, 1, 1], abs=1e-3)
    assert (found.around[:, 1] == -np.inf).all()


def test_a_window_limits_the_search_but_not_the_way_back() -> None:
    first, second = quantize_vectors(vectors(2, 3), vectors(3, 9), "cosine")
    window = SearchWindow(np.array([[0, 0], [2, 2], [np.nan, np.nan]], np.float32), (3, 3), 1.0)
    full = compute_similarity(first, second)
    table = np.where(window.mask_outside(slice(0, 3)), -np.inf, full)
    found = find_nearest(first, second, the_cell_alone, window)
    assert found.index.tolist() == table.argmax(axis=1).tolist()
    assert found.back.tolist() == full.argmax(axis=0).tolist()


@pytest.mark.parametrize("measure", ["cosine", "euclidean"])
@pytest.mark.parametrize("radius", [0.5, 2, 3])
@pytest.mark.parametrize("chunk_bytes", [1, 1 << 20])
def test_the_search_of_windows_alone_gives_the_bytes_of_the_masked_search(
    measure: SimilarityMeasure, radius: float, chunk_bytes: int
) -> None:
    size = (8, 11)
    first, second = quantize_vectors(vectors(4, 50), vectors(5, 88), measure)
    rng = np.random.default_rng(6)
    expected = rng.uniform(0, 1, (50, 2)).astype(np.float32) * np.float32([10, 7])
    expected[::3] = np.rint(expected[::3])  # at the centre of a cell, the border of the window is a cell's centre
    window, around = SearchWindow(expected, size, radius), make_neighbourhood(size, 2)
    masked = find_nearest(first, second, around, window)
    index, similarities = find_nearest_in_window(first, second, around, window, chunk_bytes=chunk_bytes)
    assert index.tolist() == masked.index.tolist()
    assert similarities.tobytes() == masked.around.tobytes()


@pytest.mark.parametrize("measure", ["cosine", "euclidean"])
def test_torch_and_numpy_give_the_same_blocks(measure: SimilarityMeasure) -> None:
    first, second = quantize_vectors(vectors(7, 6), vectors(8, 9), measure)
    outside = np.random.default_rng(9).random((6, 9)) < 0.5
    columns = np.array([[0, 3]] * 6)
    found = []
    for scorer in (NumpyScorer.prepare(first, second), TorchScorer.on_device(first, second, "cpu")):
        block = scorer.score_rows(slice(0, 6))
        maxima = block.column_maxima()
        block.exclude(outside)
        parts = (maxima, block.best_columns(), block.gather(columns), scorer.score_columns(slice(1, 4), np.array([2])))
        found.append([part.tolist() for part in parts])
    assert found[0] == found[1]
