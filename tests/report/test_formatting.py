"""Numbers as people say them."""

from __future__ import annotations

import pytest

from tasks.report.formatting import format_clock, format_count, format_duration, format_number, format_rate


@pytest.mark.parametrize(
    ("seconds", "resolution", "said"),
    [
        (0, 1, "0:00"),
        (59.6, 1, "0:59"),
        (61, 1, "1:01"),
        (3661.25, 0.1, "1:01:01.2"),
        (9.999, 0.01, "0:09.99"),
        (0.29, 0.01, "0:00.29"),
        (0.02, 0.02, "0:00.02"),
        (5, 15.0, "0:05"),
    ],
)
def test_clock_shows_minutes_and_as_many_decimals_as_asked(seconds: float, resolution: float, said: str) -> None:
    assert format_clock(seconds, resolution) == said


@pytest.mark.parametrize(
    ("value", "digits", "said"),
    [(7.4321, 2, "7.4"), (0.041, 2, "0.0"), (12345, 1, "12\u202f345"), (123.4, 2, "123"), (float("nan"), 2, "\u2013")],
)
def test_numbers_have_the_digits_asked_for(value: float, digits: int, said: str) -> None:
    assert format_number(value, digits) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.04, "0.04 s"), (7.66, "7.7 s"), (59.9, "1 min"), (80, "1 min 20 s"), (3900, "1 h 05 min")],
)
def test_durations_are_reported_in_their_own_unit(seconds: float, said: str) -> None:
    assert format_duration(seconds) == said


def test_one_is_not_plural() -> None:
    assert (format_count(1, "track"), format_count(0, "track"), format_count(2, "class", "classes")) == (
        "1 track",
        "0 tracks",
        "2 classes",
    )


def test_rates_lose_idle_decimals() -> None:
    assert (format_rate(30.0), format_rate(30000 / 1001), format_rate(12.5)) == ("30", "29.97", "12.5")
    assert (format_rate(24 / 36_001), format_rate(0.04), format_rate(0.0)) == ("0.00067", "0.04", "0")
