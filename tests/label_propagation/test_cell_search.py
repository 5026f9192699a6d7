"""The search from coarse to fine finds what comparing all cells finds."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.geometry.cell_grid import l2_normalize
from tasks.geometry.feature_propagation import find_top_k_similar
from tasks.label_propagation import cell_search
from tasks.label_propagation.cell_search import (
    classify_blocks,
    compare_blocks,
    find_similar_cells,
    make_search_grid,
    take_largest,
)


def smooth_vectors(seed: int, rows: int, columns: int, d: int = 8) -> np.ndarray:
    """Unit vectors that change over a few cells, as those of deep layers do."""
    noise = np.random.default_rng(seed).normal(size=(rows, columns, d)).astype(np.float32)
    return l2_normalize(cv2.GaussianBlur(noise, (0, 0), 1.5))


def alike(past: list[np.ndarray]) -> np.ndarray:
    """Labels of one class everywhere."""
    return np.ones((*np.shape(past)[:3], 1), np.float32)


@pytest.fixture
def hierarchical(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cell_search, "MAX_EXHAUSTIVE_CELLS", 0)


@pytest.mark.usefixtures("hierarchical")
@pytest.mark.parametrize("size", [(12, 16), (11, 15)])
def test_with_all_blocks_it_is_the_exhaustive_search(size: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cell_search, "BEST", 10_000)
    monkeypatch.setattr(cell_search, "FEW", 10_000)
    one, past = smooth_vectors(0, *size), [smooth_vectors(n, *size) for n in (1, 2)]
    found = find_similar_cells(make_search_grid(one), [make_search_grid(grid) for grid in past], alike(past), 40, 5)
    expected = find_top_k_similar(one, np.stack(past), 40, 5)
    order = np.argsort(-expected.cosine, axis=-1)
    np.testing.assert_allclose(found.cosine, np.take_along_axis(expected.cosine, order, -1), atol=1e-5)
    np.testing.assert_array_equal(found.index, np.take_along_axis(expected.index, order, -1))


@pytest.mark.usefixtures("hierarchical")
@settings(max_examples=10, deadline=None)
@given(st.integers(0, 100))
def test_indices_are_those_of_the_cells_with_these_cosines(seed: int) -> None:
    one, past = smooth_vectors(seed, 13, 10), [smooth_vectors(seed + n, 13, 10) for n in (1, 2, 3)]
    found = find_similar_cells(make_search_grid(one), [make_search_grid(grid) for grid in past], alike(past), 4, 6)
    there = np.stack(past).reshape(-1, one.shape[-1])[found.index]
    known = np.isfinite(found.cosine)
    assert known.all()
    np.testing.assert_allclose((there * one[:, :, None]).sum(axis=-1), found.cosine, atol=1e-5)


@pytest.mark.usefixtures("hierarchical")
def test_a_few_blocks_find_nearly_the_best_match() -> None:
    ground = smooth_vectors(0, 44, 64, 16)
    moved = l2_normalize(np.roll(ground, (3, -5), (0, 1)) + 0.1 * smooth_vectors(1, 44, 64, 16))
    found = find_similar_cells(make_search_grid(ground), [make_search_grid(moved)], alike([moved]), 12, 10)
    expected = find_top_k_similar(ground, moved[None], 12, 10)
    best = expected.cosine.max(axis=-1)
    assert (found.cosine[..., 0] > best - 1e-5).mean() > 0.9
    assert (best - found.cosine[..., 0]).mean() < 0.01


@pytest.mark.usefixtures("hierarchical")
def test_where_labels_differ_more_blocks_are_searched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cell_search, "FEW", 1)
    one, other = smooth_vectors(3, 12, 40), smooth_vectors(4, 12, 40)
    labels = np.zeros((1, 12, 40, 2), np.float32)
    labels[:, :, ::2, 0] = labels[:, :, 1::2, 1] = 1
    labels[:, :, 20:] = (1, 0)
    found = find_similar_cells(make_search_grid(one), [make_search_grid(other)], labels, 4, 3)
    expected = np.sort(find_top_k_similar(one, other[None], 4, 3).cosine)[..., ::-1]
    gap = expected - found.cosine
    assert gap[:, :14].max() < 0.05 < gap[:, 26:].max()


def test_a_block_has_the_class_that_fills_all_its_cells() -> None:
    labels = np.zeros((1, 3, 4, 2), np.float32)
    labels[..., 0] = 1
    labels[0, 0, 1] = (0, 1)
    labels[0, 2, 2:] = (0, 1)
    assert classify_blocks(labels).reshape(2, 2).tolist() == [[-1, 0], [0, 1]]


def test_small_grids_are_compared_cell_by_cell() -> None:
    one, other = smooth_vectors(3, 9, 9), smooth_vectors(4, 9, 9)
    found = find_similar_cells(make_search_grid(one), [make_search_grid(other)], alike([other]), 3, 4)
    expected = find_top_k_similar(one, other[None], 3, 4)
    np.testing.assert_array_equal(np.sort(found.cosine), np.sort(expected.cosine))


def test_windows_hold_the_cosines_of_brute_force_and_nothing_outside() -> None:
    one, past = smooth_vectors(5, 5, 6), np.stack([smooth_vectors(6, 5, 6), smooth_vectors(7, 5, 6)])
    found = compare_blocks(one, past, 2).reshape(5, 6, 2, 5, 5)
    for y, x, frame, down, across in np.ndindex(found.shape):
        row, column = y + down - 2, x + across - 2
        inside = 0 <= row < 5 and 0 <= column < 6
        expected = one[y, x] @ past[frame, row, column] if inside else -np.inf
        assert found[y, x, frame, down, across] == pytest.approx(expected, abs=1e-6)


@given(st.integers(0, 100), st.integers(1, 7))
def test_the_largest_come_in_order_and_ties_go_to_the_first(seed: int, count: int) -> None:
    values = np.random.default_rng(seed).integers(0, 4, (6, 7)).astype(np.float32)
    position, largest = take_largest(values.copy(), count)
    order = np.argsort(-values, axis=1, kind="stable")[:, :count]
    np.testing.assert_array_equal(position, order)
    np.testing.assert_array_equal(largest, np.take_along_axis(values, order, 1))
