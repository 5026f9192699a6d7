"""The live display, drawn by hand on a terminal of a fixed size."""

from __future__ import annotations

import contextlib
import io
import logging
import sys
import threading

import pytest
from rich.cells import cell_len

from flows.cli.display_live import LiveDisplay, ProgressBars
from flows.engine.outcome import Item, Step, Summary
from tasks.progress import BYTES_REMARK, UNKNOWN_TOTAL
from tests.cli.displays import HIDE_CURSOR, SHOW_CURSOR, Clock, Terminal, items, outcome


class Stage:
    """A live display with its clock and its terminal."""

    def __init__(self, width: int = 80, height: int = 24) -> None:
        self.clock, self.terminal = Clock(), Terminal()
        self.display = LiveDisplay(self.terminal.console(width, height), self.clock, interval_s=None)

    def lines(self) -> list[str]:
        """What there is to see now; the terminal's width is kept."""
        found = [line.plain for line in self.display.region.render_lines()]
        assert max(map(cell_len, found)) <= self.display.region.console.width
        return found


@pytest.fixture
def stage() -> Stage:
    return Stage()


def start(stage: Stage, count: int, workers: int) -> list[Item]:
    """A run of `count` items, as many as there are `workers` in hand, begun a second after each other."""
    every = items(count)
    stage.display.on_planned(every, dict.fromkeys(every, 60.0), workers)
    for worker in range(workers):
        stage.display.on_started(every[worker], worker, 1)
        stage.clock.now += 1
    return every


def test_head_and_workers_of_a_small_run(stage: Stage) -> None:
    with stage.display:
        every = start(stage, 40, 2)
        stage.display.on_ended(outcome("v0", "detect", seconds=60.0), final=True)
        stage.clock.now += 58
        stage.display.on_progress(every[1], Step("boxes", 120, 300, "frame 119"))
        first, second, worker = stage.lines()
    assert first.endswith(" 1/40 items   2 %")
    assert second == "about 19 min left, 1.0 items/min, 1:00"
    assert worker.split(maxsplit=3)[:3] == ["detect", "v1", "0:59"]
    assert worker.endswith("━ boxes 120/300 frame 119")


def test_failures_and_blocked_items_lead(stage: Stage) -> None:
    with stage.display:
        start(stage, 40, 1)
        stage.display.on_ended(outcome("v0", "detect", "failed", error="bad"), final=True)
        stage.display.on_ended(outcome("v1", "detect", "blocked"), final=True)
        assert stage.lines()[1].startswith("1 failed, 1 blocked, about 38 min left")


def test_sixteen_workers_on_a_small_terminal_show_those_that_take_longest() -> None:
    stage = Stage(width=60, height=24)
    with stage.display:
        every = start(stage, 200, 16)
        stage.display.on_ended(outcome("v3", "detect"), final=True)
        stage.display.on_started(every[16], 3, 2)
        lines = stage.lines()
    assert len(lines) == 10
    assert [line.split()[1] for line in lines[2:9]] == ["v0", "v1", "v2", "v4", "v5", "v6", "v7"]
    assert lines[9] == "+ 9 more"


@pytest.mark.parametrize("height", [3, 8, 24, 60])
@pytest.mark.parametrize("width", [20, 60, 80, 200])
def test_every_size_of_terminal_is_kept(width: int, height: int) -> None:
    stage = Stage(width, height)
    names = ["walk", "a_very_long_name_of_a_video_that_goes_on_and_on", "日本語の動画の名前", "x\x1b[2J\ny"]
    every = [Item(names[n % 4], f"stage_{n}") for n in range(20)]
    with stage.display:
        stage.display.on_planned(every, {}, 16)
        for worker, item in enumerate(every[:16]):
            stage.display.on_started(item, worker, worker % 3 + 1)
            stage.display.on_progress(item, Step("fetching yolo26n.pt from a host", 5.6e6, 11.1e6, BYTES_REMARK))
        lines = stage.lines()
        assert len(lines) <= max(height // 2, 3)
        assert not any("\x1b" in line or "\n" in line for line in lines)
        stage.display.region.refresh()


@pytest.mark.parametrize("width", [60, 80, 120])
def test_how_much_is_fetched_is_never_cut(width: int) -> None:
    stage = Stage(width)
    with stage.display:
        item, *_ = start(stage, 40, 1)
        stage.display.on_progress(item, Step("fetching yolo26n.pt from github.com", 5.6e6, 11.1e6, BYTES_REMARK))
        line = stage.lines()[2]
        assert line.endswith(" 5.6/11.1 MB") and "fetching yol" in line
        stage.display.on_progress(item, Step("fetching yolo26n.pt from github.com", 5.6e6, UNKNOWN_TOTAL, BYTES_REMARK))
        assert stage.lines()[2].endswith(" 5.6 MB")
        stage.display.on_progress(item, Step("fetching yolo26n.pt from github.com", 11.1e6, 11.1e6, BYTES_REMARK))
        assert stage.lines()[2].split() == ["detect", "v0", "0:01"], "what is over has no bar"


def test_a_second_try_says_so(stage: Stage) -> None:
    with stage.display:
        start(stage, 40, 1)
        stage.display.on_ended(outcome("v0", "detect", "failed", error="busy"), final=False)
        stage.display.on_started(Item("v0", "detect"), 0, 2)
        assert stage.lines()[2].startswith("detect v0 (attempt 2) ")
        assert " 0/40 items" in stage.lines()[0]
        stage.display.region.refresh()
    assert "detect v0: failed in 10.0 s - busy; will be retried" in stage.terminal.plain


def test_all_done_is_not_over_yet(stage: Stage) -> None:
    with stage.display:
        start(stage, 1, 1)
        stage.display.on_ended(outcome("v0", "detect"), final=True)
        assert stage.lines()[0].endswith(" 1/1 items 100 %") and stage.lines()[1].startswith("finishing")


@pytest.mark.parametrize(("count", "lines"), [(29, 1), (30, 0)])
def test_a_small_run_gets_a_line_for_each_item_that_ended(count: int, lines: int, stage: Stage) -> None:
    with stage.display:
        start(stage, count, 1)
        stage.display.on_ended(outcome("v0", "detect", frames=250), final=True)
        stage.display.on_ended(outcome("v1", "detect", "blocked", error="after decode"), final=True)
        stage.display.region.refresh()
    text = stage.terminal.plain
    assert text.count(f"[1/{count}] detect v0: computed in 10.0 s (25 frames/s)") == lines
    assert "v1: blocked" not in text


def test_failures_and_warnings_scroll_by_above_in_full_and_steer_nothing(stage: Stage) -> None:
    with stage.display:
        start(stage, 1000, 1)
        long = "x" * 200
        stage.display.on_ended(outcome("v0", "detect", "failed", error=f"[bold]no[/] {long}\x1b[2J"), final=True)
        stage.display.on_message(logging.WARNING, "3 frames are damaged")
        stage.display.on_message(logging.INFO, "nobody needs to know")
        assert not stage.terminal.plain.count("damaged"), "an event does not wait for the terminal"
        stage.display.region.refresh()
    text = stage.terminal.plain
    assert rf"detect v0: failed in 10.0 s - [bold]no[/] {long}\x1b[2J" in text
    assert "3 frames are damaged" in text and "nobody" not in text


def test_what_is_reported_before_and_after_the_run_is_reported_at_once(stage: Stage) -> None:
    stage.display.on_message(logging.WARNING, "before")
    assert stage.terminal.plain == "before\n"
    with stage.display:
        start(stage, 40, 1)
        stage.display.on_message(logging.ERROR, "at the end")
        stage.display.on_finished(Summary((), 1.0, (), {}, ""))
        stage.display.on_message(logging.WARNING, "after")
    assert stage.terminal.plain.splitlines()[-2:] == ["at the end", "after"]


def test_nothing_to_make_shows_nothing(stage: Stage) -> None:
    with stage.display:
        stage.display.on_planned([], {}, 2)
        stage.display.on_finished(Summary((), 1.0, (), {}, ""))
    assert not stage.terminal.getvalue()


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_however_a_run_ends_the_terminal_is_clean(error: type[BaseException], stage: Stage) -> None:
    found = sys.stderr
    handler = logging.StreamHandler(stage.terminal)
    logging.getLogger().addHandler(handler)
    try:
        with pytest.raises(error), stage.display:
            start(stage, 40, 2)
            assert HIDE_CURSOR in stage.terminal.getvalue()
            assert handler.stream is sys.stderr is not stage.terminal
            logging.getLogger("semflow").warning("a line of the log")
            stage.display.region.refresh()
            raise error("stop")
        assert handler.stream is stage.terminal and sys.stderr is found
    finally:
        logging.getLogger().removeHandler(handler)
    text = stage.terminal.getvalue()
    assert "a line of the log\n" in stage.terminal.plain
    assert text.rindex(SHOW_CURSOR) > text.rindex(HIDE_CURSOR)
    assert text.rindex("\x1b[2K") > text.rindex("items"), "the lines must be erased in the end"


def test_standard_output_that_is_no_terminal_gets_its_own(stage: Stage) -> None:
    with contextlib.redirect_stdout(io.StringIO()) as out, stage.display:
        start(stage, 40, 1)
        sys.stdout.write("{}\n")
        stage.display.region.refresh()
    assert out.getvalue() == "{}\n" and "{}" not in stage.terminal.plain


def test_a_terminal_that_is_gone_ends_no_run(stage: Stage) -> None:
    with stage.display:
        every = start(stage, 40, 1)
        stage.terminal.close()
        stage.display.on_ended(outcome(every[0].video, "detect", "failed", error="bad"), final=True)


def test_it_is_drawn_by_itself() -> None:
    terminal = Terminal("0/40 items")
    with LiveDisplay(terminal.console(), interval_s=0.01) as display:
        display.on_planned(items(40), {}, 1)
        assert terminal.seen.wait(30)
    assert not any(thread.name == "display" for thread in threading.enumerate())


def test_pieces_of_work_at_the_same_time_share_the_terminal() -> None:
    clock, terminal = Clock(), Terminal()
    with ProgressBars(terminal.console(), clock, interval_s=None) as bars:
        bars.update_bar("maps", 0, 4, "")
        bars.update_bar("fetching a file", 1e6, 4e6, BYTES_REMARK)
        clock.now += 10
        bars.update_bar("maps", 1, 4, "window 1")
        maps, fetching = (line.plain for line in bars.region.render_lines())
        assert maps.endswith("maps 1/4 window 1 30 s left") and fetching.endswith(
            "fetching a file 1.0/4.0 MB 30 s left"
        )
        bars.update_bar("maps", 1, 1, "")
        assert len(bars.region.render_lines()) == 1 and bars.region.shown
        bars.update_bar("fetching a file", 4e6, 4e6, BYTES_REMARK)
        assert not bars.region.shown
        bars.update_bar("more", 0, UNKNOWN_TOTAL, "")
        assert [line.plain.split() for line in bars.region.render_lines()] == [["━" * 10, "more", "0"]]
    assert terminal.getvalue().endswith(SHOW_CURSOR) or SHOW_CURSOR in terminal.getvalue()
