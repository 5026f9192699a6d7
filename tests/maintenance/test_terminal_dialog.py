"""Questions that commands ask, and answers that they print."""

from __future__ import annotations

import io
import json
import sys

import pytest

from flows.maintenance.terminal_dialog import ask_confirmation, print_answer
from tasks.errors import SemflowError


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_without_a_terminal_a_needed_answer_is_refused_and_another_taken_for_granted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
    ask_confirmation("erase it?", yes=False, needed=False)
    ask_confirmation("erase it?", yes=True, needed=True)
    with pytest.raises(SemflowError, match=r"erase it\? must be answered on a terminal, got none; add --yes"):
        ask_confirmation("erase it?", yes=False, needed=True)


@pytest.mark.parametrize(("typed", "goes_on"), [("y\n", True), (" YES \n", True), ("n\n", False), ("", False)])
def test_on_a_terminal_only_y_goes_on(typed: str, goes_on: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = Terminal()
    monkeypatch.setattr(sys, "stdin", Terminal(typed))
    monkeypatch.setattr(sys, "stderr", shown)
    if goes_on:
        ask_confirmation("erase \x1b[2Jit?", yes=False, needed=True)
    else:
        with pytest.raises(SemflowError, match="nothing was changed"):
            ask_confirmation("erase \x1b[2Jit?", yes=False, needed=True)
    assert shown.getvalue().endswith("it? [y/N] ")
    assert "\x1b" not in shown.getvalue()  # a name of a file may hold what steers a terminal


def test_an_answer_is_json_or_lines(capsys: pytest.CaptureFixture[str]) -> None:
    print_answer({"kept": 2}, ["two", "kept"], as_json=False)
    assert capsys.readouterr().out == "two\nkept\n"
    print_answer({"kept": 2}, ["two", "kept"], as_json=True)
    assert json.loads(capsys.readouterr().out) == {"kept": 2}
