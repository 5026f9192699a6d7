"""Numbers and names as people read them."""

from __future__ import annotations

import math

import pytest

from flows.cli.text_formatting import (
    escape_controls,
    format_amount,
    format_counts,
    format_duration,
    format_rate,
    format_size,
    format_stopwatch,
    format_video_name,
    join_lines,
)
from flows.engine.outcome import Item
from tasks.artifacts.artifact import DATASET_ITEM
from tasks.progress import BYTES_REMARK


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0.0 s"), (9.04, "9.0 s"), (61, "61 s"), (119.4, "119 s"), (125, "2 min 05 s"), (599.6, "10 min"),
        (3599, "1 h 00 min"), (3570, "1 h 00 min"), (3500, "58 min"), (7500, "2 h 05 min"), (86399, "1 d 0 h"),
        (100_000, "1 d 4 h"),
    ],
)  # fmt: skip
def test_durations(seconds: float, words: str) -> None:
    assert format_duration(seconds) == words


@pytest.mark.parametrize(("seconds", "words"), [(0.9, "0:00"), (7, "0:07"), (754, "12:34"), (3723, "1:02:03")])
def test_stopwatch(seconds: float, words: str) -> None:
    assert format_stopwatch(seconds) == words


@pytest.mark.parametrize(
    ("count", "seconds", "words"),
    [(0, 5, ""), (5, 0, ""), (50, 2, "25 items/s"), (30, 20, "1.5 items/s"), (1, 20, "3.0 items/min"),
     (1, 7200, "0.5 items/h")],
)  # fmt: skip
def test_rates(count: int, seconds: float, words: str) -> None:
    assert format_rate(count, seconds) == words


@pytest.mark.parametrize(
    ("count", "words"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (640_000, "640 kB"), (999_999, "1.0 MB"), (15_000_000_000, "15 GB"),
     (2e16, "20000 TB")],
)  # fmt: skip
def test_sizes(count: float, words: str) -> None:
    assert format_size(count) == words


def test_amounts() -> None:
    assert format_amount(3, 10) == "3/10" and format_amount(3, math.inf) == "3"
    assert (
        format_amount(5_600_000, 11_100_000, BYTES_REMARK) == "5.6/11.1 MB"
        and format_amount(5_600_000, math.inf, BYTES_REMARK) == "5.6 MB"
    )


def test_counts_that_are_none_go() -> None:
    assert format_counts({"computed": 1200, "failed": 0, "blocked": 3}) == "1,200 computed, 3 blocked"


def test_text_steers_no_terminal() -> None:
    assert escape_controls("plié 日本\n\tline") == "plié 日本\n\tline"
    assert escape_controls("a\x1b[2Jb\rc\x07\u202e\udcff") == r"a\x1b[2Jb\rc\x07\u202e\udcff"
    assert join_lines(" a\n  b\tc ") == "a b c"
    assert (
        format_video_name(Item(DATASET_ITEM, "train")) == "(dataset)"
        and format_video_name(Item("x\x1b", "train")) == r"x\x1b"
    )
