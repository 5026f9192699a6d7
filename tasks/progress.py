"""A bar where somebody watches; lines in the log where nobody does, if they are wanted.

Items run in threads of one process, and two displays on a terminal overwrite each other: all bars are drawn by one,
above which what is logged meanwhile is written. It goes when the last bar is done, before the run shows its table.
"""

from __future__ import annotations

import contextlib
import logging
import sys
import threading
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from rich.progress import Progress

log = logging.getLogger("semflow")
Step = Callable[[str], None]
LINES = 10  # in the log, for the whole of a task


@contextlib.contextmanager
def progress(stage: str, what: str, total: int, *, logged: bool = False) -> Generator[Step]:
    """A function to be called after each of `total` steps, with a remark; without a terminal quiet, or `logged`."""
    if not sys.stderr.isatty():
        yield _in_log(stage, what, total) if logged else _quiet
        return
    with _terminal.shown() as bars:
        bar = bars.add_task(f"{stage}: {what}", total=total, remark="")
        try:
            yield lambda remark: bars.update(bar, advance=1, remark=remark)
        finally:
            bars.refresh()
            bars.remove_task(bar)


def _quiet(remark: str) -> None:
    del remark


def _in_log(stage: str, what: str, total: int) -> Step:
    done = 0

    def step(remark: str) -> None:
        nonlocal done
        done += 1
        if done == total or done * LINES // total > (done - 1) * LINES // total:
            log.info("%s: %s %d/%d %s", stage, what, done, total, remark)

    return step


@dataclass
class _Terminal:
    """The one display of all bars, there while any of them is."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    users: int = 0
    open: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)
    bars: Progress | None = None

    @contextlib.contextmanager
    def shown(self) -> Generator[Progress]:
        """The display, begun by the first who asks and ended by the last."""
        with self.lock:
            self.users += 1
            if self.bars is None:
                terminal = sys.stderr
                self.bars = self.open.enter_context(_bars(terminal))
                self.open.enter_context(_log_above(terminal))
            bars = self.bars
        try:
            yield bars
        finally:
            with self.lock:
                self.users -= 1
                if not self.users:
                    self.bars = None
                    self.open.close()


_terminal = _Terminal()


def _bars(terminal: TextIO) -> Progress:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, TextColumn("{task.fields[remark]}"), console=Console(file=terminal), transient=True)


@contextlib.contextmanager
def _log_above(terminal: TextIO) -> Generator[None]:
    """What is logged to `terminal` goes by way of the display, which has taken the place of standard error."""
    found = (handler for handler in logging.getLogger().handlers if isinstance(handler, logging.StreamHandler))
    handlers = [handler for handler in found if handler.stream is terminal]
    for handler in handlers:
        handler.setStream(sys.stderr)
    try:
        yield
    finally:
        for handler in handlers:
            handler.setStream(terminal)


def set_sink(sink: Callable[[str, float, float, str], None]) -> None:
    """Replaced by the sink of the display engineer's branch."""
    del sink
