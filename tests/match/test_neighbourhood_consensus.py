"""The weighted median of what the neighbours say."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.match.neighbourhood_consensus import compute_consensus, weighted_median


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(-9, 9), st.integers(0, 5)), min_size=1, max_size=12))
def test_the_weighted_median_is_the_median_of_repeated_values(pairs: list[tuple[int, int]]) -> None:
    values, weights = (np.array(part, np.float32) for part in zip(*pairs, strict=True))
    repeated = np.sort(np.repeat(values, weights.astype(int)))
    if len(repeated):
        assert weighted_median(values, weights) == repeated[(len(repeated) - 1) // 2]


def test_where_all_agree_nothing_changes() -> None:
    moved = np.broadcast_to(np.float32([2, -1]), (5, 7, 2))
    found = compute_consensus(moved, np.full((5, 7), 0.3, np.float32), 2, np.arange(35))
    assert (found == moved.reshape(-1, 2)).all()


def test_one_wild_cell_is_outvoted_and_does_not_spread() -> None:
    moved = np.zeros((9, 9, 2), np.float32)
    moved[4, 4] = [50, -50]
    sure = np.ones((9, 9), np.float32)
    sure[4, 4] = 0.1
    assert (compute_consensus(moved, sure, 1, np.arange(81)) == 0).all()


def test_each_cell_asks_its_own_neighbours() -> None:
    moved = np.stack(np.meshgrid(np.arange(9), np.arange(6)), axis=2).astype(np.float32)
    found = compute_consensus(moved, np.ones((6, 9), np.float32), 1, np.array([10, 40]))
    assert found.tolist() == [[1, 1], [4, 4]]
