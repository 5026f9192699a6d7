"""Segments: every part of the stretch has its look, none reaches beyond it."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tasks.streams.segment_sampling import sample_segment_starts


@given(st.integers(0, 50), st.integers(0, 200), st.integers(1, 40), st.integers(1, 9), st.booleans())
def test_looks_lie_inside_in_order_one_per_part(first: int, size: int, length: int, count: int, drawn: bool) -> None:
    random = np.random.default_rng(0) if drawn else None
    starts = sample_segment_starts(first, first + size, length, count, random)
    places = max(0, size - length + 1)
    assert len(starts) == min(count, places)
    assert starts == sorted(set(starts))
    assert all(first <= start and start + length <= first + size for start in starts)
    if places > count:
        parts = [int((start - first) * count / places) for start in starts]
        assert np.abs(np.array(parts) - np.arange(count)).max() <= 1  # whole numbers may fall just below an edge


def test_without_chance_it_is_the_middle_of_each_part() -> None:
    assert sample_segment_starts(0, 30, 1, 3) == [5, 15, 25]


def test_a_stretch_shorter_than_a_look_has_none() -> None:
    assert sample_segment_starts(4, 13, 10, 3) == []
