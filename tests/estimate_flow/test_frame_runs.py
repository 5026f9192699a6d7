from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tasks.artifacts.flow_encoding import FlowEncoding
from tasks.estimate_flow.flow_backend import FlowBackend
from tasks.estimate_flow.frame_runs import estimate_flow_pairs, iterate_frame_runs

whole = st.lists(st.booleans(), max_size=12)
kept = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


def numbered(present: list[bool]) -> list[np.ndarray | None]:
    """Pictures of one grey value each, so that a picture tells its number."""
    return [np.full((8, 8, 3), n, np.uint8) if there else None for n, there in enumerate(present)]


@kept
@given(whole, st.integers(1, 5))
def test_runs_cover_every_pair_of_whole_neighbours_once_and_no_other(make_frames, present, pairs):
    covered: list[tuple[int, int]] = []
    for start, images in iterate_frame_runs(make_frames(numbered(present)), pairs):
        numbers = [int(image[0, 0, 0]) for image in images]
        assert numbers == list(range(start, start + len(images)))
        assert 2 <= len(images) <= pairs + 1
        covered += pairwise(numbers)
    assert covered == [(n, n + 1) for n in range(len(present) - 1) if present[n] and present[n + 1]]


@kept
@given(whole, st.integers(1, 5))
def test_there_is_a_row_for_every_pair_in_order(make_frames, present, pairs):
    def estimate(images):
        for image in images[:-1]:
            forward = np.full((8, 8, 2), image[0, 0, 0] / 100, np.float32)
            yield forward, -forward

    rows = list(
        estimate_flow_pairs(make_frames(numbered(present)), FlowBackend(pairs, estimate), FlowEncoding(8, 8, 1, 64))
    )
    assert len(rows) == max(0, len(present) - 1)
    for n, row in enumerate(rows):
        assert row.known == (present[n] and present[n + 1])
        assert row.forward[4, 4, 0] == pytest.approx(n / 100 if row.known else 0)
