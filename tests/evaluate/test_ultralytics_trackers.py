"""Trackers of ultralytics on given detections, and the assignment that stands in for the package lap."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.evaluate.mot_peers import track_with_peer
from flows.evaluate.ultralytics_trackers import find_ultralytics_trackers, solve_with_limit
from tests.track.scenes import make_detections, walk

COSTS = st.integers(1, 4).flatmap(
    lambda n: st.integers(1, 4).flatmap(
        lambda m: st.lists(st.floats(0, 1), min_size=n * m, max_size=n * m).map(
            lambda values: np.array(values).reshape(n, m)
        )
    )
)


@settings(max_examples=40)
@given(COSTS, st.floats(0.1, 1))
def test_leaving_a_pair_apart_costs_the_limit(cost: np.ndarray, limit: float) -> None:
    _, column, row = solve_with_limit(cost, cost_limit=limit)
    matched = np.flatnonzero(column >= 0)
    assert (row[column[matched]] == matched).all()
    total = sum(cost[i, column[i]] - limit for i in matched)
    n, m = cost.shape
    best = min(
        sum(min(cost[i, j] - limit, 0) for i, j in zip(rows, columns, strict=False))
        for rows in itertools.permutations(range(n))
        for columns in itertools.permutations(range(m))
    )
    assert total == pytest.approx(best)


@pytest.mark.parametrize("name", ["ultralytics bytetrack", "ultralytics botsort"])
def test_two_people_apart_are_two_tracks(name: str) -> None:
    detections = make_detections(walk(range(12)) + walk(range(12), start=(400, 100)), 12)
    tracks, _ = track_with_peer(detections, find_ultralytics_trackers()[name])
    assert np.unique(tracks.track_id).tolist() == [1, 2]
    assert len(tracks) == 24
