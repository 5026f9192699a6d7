"""Progress of work, reported to one function: the sink.

The sink of a worker process sends the steps to its parent, that of a command draws bars (flows/cli/display.py). Without
a sink nothing is reported, except for a few log lines where they are asked for.
"""

from __future__ import annotations

import contextlib
import logging
import math
import time
from collections.abc import Callable, Generator
from typing import Protocol

log = logging.getLogger("semflow")
ProgressCallback = Callable[[str], None]
ProgressSink = Callable[[str, float, float, str], None]
"""sink(what, done, total, remark). `total` is math.inf where it is unknown; the work is over when done >= total."""
MAX_LOG_LINES = 10  # in the log, for the whole of a task
MIN_INTERVAL_S = 0.1
"""Between two calls of the sink for one piece of work, but for the first and the last."""
BYTES_REMARK = "bytes"
"""The remark that says that `done` and `total` are bytes."""
UNKNOWN_TOTAL = math.inf
"""The total of work whose end is not known."""
_sink: ProgressSink | None = None


class ProgressReport(Protocol):
    """Called with how much is done, of how much, and a remark."""

    def __call__(self, done: float, total: float, remark: str = "") -> None: ...


def set_sink(sink: ProgressSink | None) -> ProgressSink | None:
    """Report to `sink` from now on, to nothing where None; gives the former sink."""
    global _sink
    before, _sink = _sink, sink
    return before


def has_sink() -> bool:
    """Whether there is a sink."""
    return _sink is not None


@contextlib.contextmanager
def track_progress(stage: str, what: str, total: int, *, logged: bool = False) -> Generator[ProgressCallback]:
    """A function to be called after each of `total` steps, with a remark; without a sink quiet, or `logged`."""
    if not has_sink():
        yield _in_log(stage, what, total) if logged else _quiet
        return
    with report_work(what) as report:
        report(0, total)
        yield _counted(report, total)


@contextlib.contextmanager
def report_work(what: str) -> Generator[ProgressReport]:
    """A function that reports the progress of `what` to the sink; the end of the context reports that it is over."""
    if _sink is None:
        yield _unheard
        return
    work = _Throttled(_sink, what)
    try:
        yield work
    finally:
        work.end()


class _Throttled:
    """Reports of one piece of work that reach the sink: the first, the last, and some between."""

    def __init__(self, sink: ProgressSink, what: str) -> None:
        self.sink, self.what = sink, what
        self.done, self.remark = 0.0, ""
        self.told_at: float | None = None
        self.over = False

    def __call__(self, done: float, total: float, remark: str = "") -> None:
        self.done, self.remark = done, remark
        now = time.monotonic()
        ends = done >= total and not self.over
        if ends or self.told_at is None or now - self.told_at >= MIN_INTERVAL_S:
            self.told_at, self.over = now, done >= total
            self.sink(self.what, done, total, remark)

    def end(self) -> None:
        """Report the end of work that stopped before its total."""
        if self.told_at is not None and not self.over:
            self.sink(self.what, self.done, self.done, self.remark)


def _counted(report: ProgressReport, total: int) -> ProgressCallback:
    done = 0

    def step(remark: str) -> None:
        nonlocal done
        done += 1
        report(done, total, remark)

    return step


def _quiet(remark: str) -> None:
    del remark


def _unheard(done: float, total: float, remark: str = "") -> None:
    del done, total, remark


def _in_log(stage: str, what: str, total: int) -> ProgressCallback:
    def tell(done: float, total: float, remark: str = "") -> None:
        if done == total or done * MAX_LOG_LINES // max(total, 1) > (done - 1) * MAX_LOG_LINES // max(total, 1):
            log.info("%s: %s %d/%d %s", stage, what, done, total, remark)

    return _counted(tell, total)
