"""What the tests of displays share: a clock that is moved by hand, a terminal of a fixed size that is a text."""

from __future__ import annotations

import io
import re
import threading
from typing import Any

from rich.console import Console

from flows.engine.outcome import Item, Outcome

ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
HIDE_CURSOR, SHOW_CURSOR = "\x1b[?25l", "\x1b[?25h"


class Clock:
    """Seconds, moved by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Terminal(io.StringIO):
    """A terminal, all that was written to it; `seen` is set when `awaited` is written."""

    def __init__(self, awaited: str = "") -> None:
        super().__init__()
        self.awaited, self.seen = awaited, threading.Event()

    def write(self, text: str) -> int:
        if self.awaited and self.awaited in text:
            self.seen.set()
        return super().write(text)

    def isatty(self) -> bool:
        return True

    @property
    def plain(self) -> str:
        """Without what steers it."""
        return ESCAPES.sub("", self.getvalue())

    def console(self, width: int = 80, height: int = 24) -> Console:
        return Console(file=self, force_terminal=True, width=width, height=height, _environ={"TERM": "xterm"})


def outcome(video: str, stage: str, result: Any = "computed", seconds: float = 10.0, **more: Any) -> Outcome:
    return Outcome(video, stage, result, seconds, **more)


def items(count: int, stage: str = "detect") -> list[Item]:
    return [Item(f"v{n}", stage) for n in range(count)]
