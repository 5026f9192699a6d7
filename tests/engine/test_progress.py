"""Bars on a terminal, lines in a log, or nothing."""

from __future__ import annotations

import contextlib
import io
import logging
import sys
import threading

import pytest

from tasks.progress import progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """To be put in place by redirect_stderr in the test: pytest takes what fixtures put there back."""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.delenv("NO_COLOR", raising=False)
    return Terminal()


def test_where_nobody_watches_it_is_quiet(capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO), progress("fit", "maps", 3) as step:
        for _ in range(3):
            step("")
    assert capsys.readouterr() == ("", "") and not caplog.records


@pytest.mark.parametrize(("total", "lines"), [(1, 1), (7, 7), (10, 10), (95, 10)])
def test_a_log_gets_ten_lines_at_most_and_the_last_step(
    total: int, lines: int, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO), progress("train", "epochs", total, logged=True) as step:
        for number in range(total):
            step(f"loss {number}")
    assert len(caplog.messages) == lines
    assert caplog.messages[-1] == f"train: epochs {total}/{total} loss {total - 1}"


def test_a_terminal_shows_a_bar_that_goes_when_it_is_done(terminal: Terminal) -> None:
    with contextlib.redirect_stderr(terminal):
        with progress("fit", "maps of walk", 2) as step:
            step("window 1")
            step("window 2")
            assert sys.stderr is not terminal, "the display must stand between"
        assert sys.stderr is terminal
    text = terminal.getvalue()
    assert "fit: maps of walk" in text and "2/2" in text and "window 2" in text
    assert text.rindex("\x1b[2K") > text.rindex("2/2"), "the line must be erased in the end"


def test_what_is_logged_meanwhile_stands_above_and_the_handler_gets_its_stream_back(terminal: Terminal) -> None:
    handler = logging.StreamHandler(terminal)
    logging.getLogger().addHandler(handler)
    try:
        with contextlib.redirect_stderr(terminal), progress("fit", "maps", 1) as step:
            assert handler.stream is sys.stderr is not terminal
            logging.getLogger("semflow").warning("[1/8] decode walk: computed")
            step("")
        assert handler.stream is terminal
    finally:
        logging.getLogger().removeHandler(handler)
    assert "\r\x1b[2K[1/8] decode walk: computed\n" in terminal.getvalue()


def test_items_at_the_same_time_share_one_display(terminal: Terminal) -> None:
    both = threading.Barrier(2)

    def item(name: str) -> None:
        with progress("fit", name, 1) as step:
            both.wait(10)
            step("")
            both.wait(10)

    with contextlib.redirect_stderr(terminal):
        threads = [threading.Thread(target=item, args=(name,)) for name in ("one", "two")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sys.stderr is terminal
    assert "fit: one" in terminal.getvalue() and "fit: two" in terminal.getvalue()


def test_a_step_that_fails_takes_its_bar_with_it(terminal: Terminal) -> None:
    with contextlib.redirect_stderr(terminal):
        with pytest.raises(RuntimeError), progress("fit", "maps", 2):
            raise RuntimeError("a bug")
        assert sys.stderr is terminal
