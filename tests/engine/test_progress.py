"""Progress is reported to the sink at a limited rate; without a sink, by a few log lines or not at all."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator

import pytest

from tasks import progress as module
from tasks.progress import BYTES_REMARK, MIN_INTERVAL_S, UNKNOWN_TOTAL, report_work, set_sink, track_progress


class Clock:
    """Stands still unless moved."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    return clock


@pytest.fixture
def told() -> Iterator[list[tuple[str, float, float, str]]]:
    """What the sink is told."""
    calls: list[tuple[str, float, float, str]] = []
    before = set_sink(lambda *call: calls.append(call))
    yield calls
    set_sink(before)


def test_without_a_sink_or_log_there_is_no_output(
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO), track_progress("fit", "maps", 3) as step, report_work("a file") as report:
        for number in range(3):
            step("")
            report(number, UNKNOWN_TOTAL)
    assert capsys.readouterr() == ("", "") and not caplog.records


@pytest.mark.parametrize(("total", "lines"), [(1, 1), (7, 7), (10, 10), (95, 10)])
def test_a_log_gets_ten_lines_at_most_and_the_last_step(
    total: int, lines: int, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO), track_progress("train", "epochs", total, logged=True) as step:
        for number in range(total):
            step(f"loss {number}")
    assert len(caplog.messages) == lines
    assert caplog.messages[-1] == f"train: epochs {total}/{total} loss {total - 1}"


def test_with_a_sink_there_are_no_log_lines(told: list[object], clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO), track_progress("train", "epochs", 1, logged=True) as step:
        step("loss 1")
    assert told == [("epochs", 0, 1, ""), ("epochs", 1, 1, "loss 1")] and not caplog.records


def test_a_fast_loop_reports_its_first_and_last_step_and_ten_per_second(
    told: list[tuple[str, float, float, str]], clock: Clock
) -> None:
    with track_progress("fit", "maps", 1000) as step:
        for number in range(1000):
            clock.now += 0.001
            step(f"map {number}")
    assert told[0] == ("maps", 0, 1000, "") and told[-1] == ("maps", 1000, 1000, "map 999")
    assert 9 <= len(told) - 2 <= 10
    assert [call[1] for call in told] == sorted(call[1] for call in told)


def test_a_slow_loop_reports_every_step(told: list[tuple[str, float, float, str]], clock: Clock) -> None:
    with track_progress("fit", "maps", 3) as step:
        for _ in range(3):
            clock.now += MIN_INTERVAL_S
            step("")
    assert [call[1] for call in told] == [0, 1, 2, 3]


def test_work_that_fails_ends_at_its_last_step(told: list[tuple[str, float, float, str]], clock: Clock) -> None:
    with pytest.raises(RuntimeError), track_progress("fit", "maps", 10) as step:
        for _ in range(4):
            step("so far")
        raise RuntimeError("a bug")
    assert told == [("maps", 0, 10, ""), ("maps", 4, 4, "so far")]


def test_work_of_unknown_length_ends_at_its_last_step(told: list[tuple[str, float, float, str]], clock: Clock) -> None:
    with report_work("fetching a file") as report:
        report(5, UNKNOWN_TOTAL, BYTES_REMARK)
        report(6, UNKNOWN_TOTAL, BYTES_REMARK)
    assert told == [("fetching a file", 5, math.inf, BYTES_REMARK), ("fetching a file", 6, 6, BYTES_REMARK)]


def test_the_end_is_reported_once_and_extra_steps_are_limited(
    told: list[tuple[str, float, float, str]], clock: Clock
) -> None:
    with track_progress("fit", "maps", 2) as step:
        for _ in range(50):
            step("")
    assert [call[1:3] for call in told] == [(0, 2), (2, 2)]


def test_a_sink_replaces_another_and_restores_it(told: list[object], clock: Clock) -> None:
    mine: list[object] = []
    theirs = set_sink(lambda *call: mine.append(call))
    with track_progress("fit", "maps", 1) as step:
        step("")
    set_sink(theirs)
    assert len(mine) == 2 and not told
