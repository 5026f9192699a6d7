"""Regions assigned by what they look like."""

from __future__ import annotations

from itertools import permutations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.match.region_matching import match_regions


def test_the_same_regions_in_another_order_are_found() -> None:
    rng = np.random.default_rng(0)
    first = rng.normal(size=(6, 32))
    order = rng.permutation(6)
    found = match_regions(first, first[order] + 0.05 * rng.normal(size=(6, 32)), min_cosine=0.5)
    assert (order[found.second] == found.first).all()
    assert len(found.first) == 6
    assert found.mutual.all()
    assert (found.cosine > 0.98).all()


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 9999), n=st.integers(0, 4), m=st.integers(0, 4), min_cosine=st.floats(-0.9, 0.9))
def test_no_assignment_gains_more(seed: int, n: int, m: int, min_cosine: float) -> None:
    rng = np.random.default_rng(seed)
    first, second = rng.normal(size=(n, 4)), rng.normal(size=(m, 4))
    allowed = rng.random((n, m)) < 0.7
    found = match_regions(first, second, min_cosine, allowed)
    unit = [v / np.maximum(np.linalg.norm(v, axis=1, keepdims=True), 1e-9) for v in (first, second)]
    gain = np.where(allowed, np.maximum(unit[0] @ unit[1].T - min_cosine, 0), 0)
    square = np.zeros((max(n, m), max(n, m)))
    square[:n, :m] = gain
    best = max((sum(square[i, j] for i, j in enumerate(p)) for p in permutations(range(len(square)))), default=0)
    assert abs((found.cosine - min_cosine).sum() - best) < 1e-2
    assert allowed[found.first, found.second].all()
    assert len(set(found.first)) == len(set(found.second)) == len(found.first)


def test_what_is_not_allowed_is_not_matched() -> None:
    same = np.ones((2, 8))
    found = match_regions(same, same, 0.5, np.array([[False, True], [False, False]]))
    assert (found.first.tolist(), found.second.tolist()) == ([0], [1])


def test_mutual_is_false_where_the_assignment_had_to_take_the_second_best() -> None:
    first = np.array([[1.0, 0.0], [0.9, 0.1]])
    second = np.array([[1.0, 0.0], [0.0, 1.0]])
    found = match_regions(first, second, -1)
    assert found.second.tolist() == [0, 1]
    assert found.mutual.tolist() == [True, False]
