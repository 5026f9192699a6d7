"""Matching against SciPy's Hungarian algorithm on the whole matrix."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

from tasks.track.linear_assignment import solve_assignment, solve_sparse_assignment

sizes = st.tuples(st.integers(0, 8), st.integers(0, 8))
seeds = st.integers(0, 2**32 - 1)


def gains(size: tuple[int, int], seed: int, share: float = 0.4) -> np.ndarray:
    random = np.random.default_rng(seed)
    return np.where(random.uniform(size=size) < share, random.uniform(0.01, 1, size), -random.uniform(0, 1, size))


def whole_matrix(gain: np.ndarray) -> list[tuple[int, int]]:
    row, column = linear_sum_assignment(np.maximum(gain, 0), maximize=True)
    return [(int(r), int(c)) for r, c in zip(row, column, strict=True) if gain[r, c] > 0]


@given(sizes, seeds)
def test_the_pairs_are_those_of_the_hungarian_algorithm_on_everything(size: tuple[int, int], seed: int) -> None:
    gain = gains(size, seed)
    row, column = solve_assignment(gain)
    assert list(zip(row.tolist(), column.tolist(), strict=True)) == whole_matrix(gain)


@given(st.tuples(st.integers(20, 60), st.integers(20, 60)), seeds)
def test_crowds_too(size: tuple[int, int], seed: int) -> None:
    gain = gains(size, seed, share=0.05)
    row, column = solve_assignment(gain)
    assert list(zip(row.tolist(), column.tolist(), strict=True)) == whole_matrix(gain)


@given(sizes, seeds)
def test_a_list_of_pairs_gives_what_their_matrix_gives(size: tuple[int, int], seed: int) -> None:
    gain = gains(size, seed)
    rows, columns = np.nonzero(gain > 0)
    chosen = solve_sparse_assignment(rows, columns, gain[rows, columns])
    expected = solve_assignment(gain)
    assert rows[chosen].tolist() == expected[0].tolist()
    assert columns[chosen].tolist() == expected[1].tolist()


@given(st.integers(1, 8), st.integers(1, 8))
def test_ties_go_to_the_first_row_and_the_first_column(n: int, m: int) -> None:
    row, column = solve_assignment(np.full((n, m), 0.5))
    assert row.tolist() == column.tolist() == list(range(min(n, m)))


def test_a_pair_without_gain_never_pushes_a_good_one_aside() -> None:
    row, column = solve_assignment(np.array([[0.5, -0.2], [0.4, -9.0]]))
    assert (row.tolist(), column.tolist()) == ([0], [0])


def test_two_good_pairs_beat_one_better_one() -> None:
    row, column = solve_assignment(np.array([[0.9, 0.6], [0.5, 0.0]]))
    assert (row.tolist(), column.tolist()) == ([0, 1], [1, 0])


def test_nothing_to_match() -> None:
    for shape in ((0, 0), (0, 3), (3, 0), (2, 2)):
        assert [len(side) for side in solve_assignment(np.zeros(shape))] == [0, 0]
    assert len(solve_sparse_assignment(np.empty(0, int), np.empty(0, int), np.empty(0))) == 0
