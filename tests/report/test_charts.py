"""Tick marks."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.report.charts import MAX_TICKS, round_above, time_ticks


@given(st.floats(0.001, 1e7))
def test_ticks_start_at_zero_are_evenly_spaced_and_few(span_s: float) -> None:
    ticks = time_ticks(span_s)
    assert ticks[0] == 0
    assert ticks[-1] <= span_s * (1 + 1e-6)
    assert len(ticks) <= MAX_TICKS + 1
    assert all(b - a == pytest.approx(ticks[1], rel=1e-6) for a, b in pairwise(ticks))


@given(st.floats(2.5, 80_000))
def test_a_span_of_more_than_two_seconds_has_at_least_three_ticks(span_s: float) -> None:
    assert len(time_ticks(span_s)) >= 3


@pytest.mark.parametrize(
    ("span_s", "ticks"),
    [(10, [0, 2, 4, 6, 8, 10]), (60, [0, 10, 20, 30, 40, 50, 60]), (0.04, [0, 0.01, 0.02, 0.03, 0.04])],
)
def test_ticks_stand_at_round_times(span_s: float, ticks: list[float]) -> None:
    assert time_ticks(span_s) == pytest.approx(ticks)


@given(st.floats(1e-3, 1e6))
def test_a_round_number_above_is_no_less_and_not_much_more(value: float) -> None:
    assert value * (1 - 1e-6) <= round_above(value) <= 1.51 * value


def test_round_numbers_stay_themselves() -> None:
    assert [round_above(v) for v in (0.1, 0.3, 1.5, 8, 10, 24, 101)] == [0.1, 0.3, 1.5, 8, 10, 30, 150]
