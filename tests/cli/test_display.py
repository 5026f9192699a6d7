"""Lines in the log for a run that nobody watches, and who watches where."""

from __future__ import annotations

import contextlib
import io
import logging

import pytest

from flows.cli.display import PlainDisplay, QuietDisplay, choose_display, show_progress
from flows.cli.display_live import LiveDisplay
from flows.engine.outcome import Item, Step, Summary
from tasks.progress import has_sink, set_sink, track_progress
from tests.cli.displays import SHOW_CURSOR, Clock, Terminal, items, outcome

DONE = Summary((), 1.0, (), {}, "")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(autouse=True)
def level(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "semflow")


def run_all(display: PlainDisplay, count: int, clock: Clock, gap_s: float) -> None:
    """A run of `count` items, one every `gap_s`."""
    every = items(count)
    display.on_planned(every, dict.fromkeys(every, gap_s), 1)
    for item in every:
        display.on_started(item, 0, 1)
        clock.now += gap_s
        display.on_ended(outcome(item.video, item.stage, seconds=gap_s), final=True)


def test_every_item_of_a_small_run_gets_a_line(clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    display = PlainDisplay(clock)
    display.on_planned([Item("walk", "detect"), Item("run", "detect")], {}, 2)
    display.on_ended(outcome("walk", "detect", frames=250), final=True)
    display.on_ended(outcome("run", "detect", "failed", error="no\x1b video"), final=True)
    display.on_finished(DONE)
    assert caplog.messages == [
        "[1/2] detect walk: computed in 10.0 s (25 frames/s)",
        r"[2/2] detect run: failed in 10.0 s - no\x1b video",
    ]
    assert [record.levelname for record in caplog.records] == ["INFO", "ERROR"]


@pytest.mark.parametrize(
    ("gap_s", "most"),
    [
        (0.001, 12),  # 10 s in all: one per second
        (0.1, 102),  # 1,000 s: one per hundredth
        (7.0, 1200),  # 70,000 s: one a minute, as a hundredth takes twelve
    ],
)
def test_a_large_run_gets_a_line_now_and_then(
    gap_s: float, most: int, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    run_all(PlainDisplay(clock), 10_000, clock, gap_s)
    assert most * 0.8 < len(caplog.messages) <= most
    assert caplog.messages[-1] == "[10000/10000] 10,000 computed"


def test_lines_of_a_large_run_say_totals_and_the_time_left(clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    run_all(PlainDisplay(clock), 1000, clock, 2.0)
    assert caplog.messages[0] == "1,000 items to compute, about 33 min left"
    assert caplog.messages[1] == "[10/1000] 10 computed, about 33 min left"


def test_all_failures_of_a_large_run_get_a_line_and_blocked_items_none(
    clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    display = PlainDisplay(clock)
    display.on_planned([*items(500), *items(500, "track")], {}, 2)
    for n in range(500):
        display.on_ended(outcome(f"v{n}", "detect", "failed", error="bad"), final=True)
        display.on_ended(outcome(f"v{n}", "track", "blocked", 0.0), final=True)
    assert sum(record.levelno == logging.ERROR for record in caplog.records) == 500
    assert [record.message for record in caplog.records if record.levelno == logging.INFO] == [
        "[1000/1000] 500 failed, 500 blocked"
    ]


def test_the_first_page_of_a_large_run_is_announced(clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    display = PlainDisplay(clock)
    every = items(500, "report")
    display.on_planned(every, {}, 2)
    for item in every[:3]:
        display.on_ended(outcome(item.video, "report", page=f"reports/{item.video}/index.html"), final=True)
    assert caplog.messages == ["[1/500] report v0: computed in 10.0 s, its page is ready: reports/v0/index.html"]


def test_a_try_that_is_not_the_last_is_a_warning_and_not_counted(
    clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    display = PlainDisplay(clock)
    display.on_planned(items(1), {}, 1)
    display.on_ended(outcome("v0", "detect", "failed", error="busy"), final=False)
    display.on_ended(outcome("v0", "detect"), final=True)
    assert caplog.messages == [
        "detect v0: failed in 10.0 s - busy; will be retried",
        "[1/1] detect v0: computed in 10.0 s",
    ]


def test_an_item_that_takes_long_says_how_far_it_is(clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    display = PlainDisplay(clock)
    (item,) = items(1, "train")
    display.on_planned([item], {}, 1)
    display.on_started(item, 0, 1)
    for n in range(100):
        clock.now += 1
        display.on_progress(item, Step("epochs", n + 1, 100, "loss 0.5"))
    assert caplog.messages == [f"train v0: epochs {n}/100 loss 0.5" for n in (30, 60, 90)]


def test_what_is_reported_goes_to_the_log(clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    PlainDisplay(clock).on_message(logging.WARNING, "3 frames\x07 are damaged")
    assert caplog.record_tuples == [("semflow", logging.WARNING, r"3 frames\x07 are damaged")]


def test_quiet_means_failures_only(caplog: pytest.LogCaptureFixture) -> None:
    display = QuietDisplay()
    with display:
        display.on_planned(items(3), {}, 1)
        display.on_started(Item("v0", "detect"), 0, 1)
        display.on_progress(Item("v0", "detect"), Step("maps", 1, 2))
        display.on_ended(outcome("v0", "detect"), final=True)
        display.on_ended(outcome("v1", "detect", "failed", error="busy"), final=False)
        display.on_ended(outcome("v1", "detect", "failed", error="bad"), final=True)
        display.on_ended(outcome("v2", "detect", "blocked"), final=True)
        display.on_message(logging.WARNING, "a warning")
        display.on_finished(DONE)
    assert caplog.messages == ["detect v1: failed in 10.0 s - bad"]


@pytest.fixture
def streams(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("LINES", "24")


@pytest.mark.usefixtures("streams")
def test_a_terminal_is_watched_and_a_file_is_read_later(monkeypatch: pytest.MonkeyPatch) -> None:
    with contextlib.redirect_stderr(Terminal()), contextlib.redirect_stdout(io.StringIO()):
        assert isinstance(choose_display(), LiveDisplay)
        assert isinstance(choose_display(json=True), LiveDisplay)
        assert isinstance(choose_display(quiet=True), QuietDisplay)
        monkeypatch.setenv("TERM", "dumb")
        assert isinstance(choose_display(), PlainDisplay)
    with contextlib.redirect_stderr(io.StringIO()), contextlib.redirect_stdout(Terminal()):
        assert isinstance(choose_display(), PlainDisplay)
        assert isinstance(choose_display(json=True), QuietDisplay)


@pytest.mark.usefixtures("streams")
def test_work_of_this_process_is_shown_on_a_terminal_which_is_clean_afterwards() -> None:
    terminal = Terminal("maps of walk 0/3")
    with contextlib.redirect_stderr(terminal), pytest.raises(RuntimeError), show_progress():
        assert has_sink()
        with track_progress("fit", "maps of walk", 3):
            assert terminal.seen.wait(30)
            raise RuntimeError("a bug")
    assert not has_sink()
    assert terminal.getvalue().rindex(SHOW_CURSOR) > terminal.getvalue().rindex("maps of walk")


@pytest.mark.usefixtures("streams")
def test_without_a_terminal_or_with_somebody_who_listens_already_nothing_is_shown() -> None:
    with contextlib.redirect_stderr(io.StringIO()) as err, show_progress():
        assert not has_sink()
    told: list[object] = []
    terminal = Terminal()
    before = set_sink(lambda *call: told.append(call))
    try:
        with contextlib.redirect_stderr(terminal), show_progress(), track_progress("fit", "maps", 1) as step:
            step("")
        assert has_sink()
    finally:
        set_sink(before)
    assert told and not terminal.getvalue() and not err.getvalue()
