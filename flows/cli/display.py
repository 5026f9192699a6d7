"""Who watches a run: lines in the log, failures alone, or a live display (flows/cli/display_live.py) on a terminal."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Self

from flows.cli.run_progress import Tally
from flows.cli.wording import amount, one_line, other_than_bytes, printable, tally_words, video_name
from flows.engine.outcome import Item, Outcome, Step, Summary
from tasks.progress import has_sink, set_sink

if TYPE_CHECKING:
    from rich.console import Console

log = logging.getLogger("semflow")
Clock = Callable[[], float]
"""Seconds from any point in time on."""
EACH_UP_TO = 100
"""Items of a run of which each gets a line in the log."""
MIN_GAP_S, MAX_GAP_S = 1.0, 60.0
"""Between two lines of a larger run at least; and how long it may keep silent though less than a hundredth is done."""
STEP_GAP_S = 30.0
"""Between two lines on how far one item is."""


class Display:
    """An Observer that shows nothing; a context, so that it leaves a clean terminal however the run ends."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Show nothing any more."""

    def planned(self, items: Sequence[Item], expected_s: Mapping[Item, float], workers: int) -> None:
        """See Observer."""

    def started(self, item: Item, worker: int, attempt: int) -> None:
        """See Observer."""

    def progressed(self, item: Item, step: Step) -> None:
        """See Observer."""

    def ended(self, outcome: Outcome, final: bool) -> None:
        """See Observer."""

    def said(self, level: int, message: str) -> None:
        """See Observer."""

    def finished(self, summary: Summary) -> None:
        """See Observer."""
        del summary
        self.close()


class QuietDisplay(Display):
    """Failures, in the log; else nothing."""

    def ended(self, outcome: Outcome, final: bool) -> None:
        """See Observer."""
        if final and outcome.result == "failed":
            log.error(outcome_words(outcome))

    def said(self, level: int, message: str) -> None:
        """See Observer."""
        if level >= logging.ERROR:
            log.log(level, printable(message))


class PlainDisplay(Display):
    """Lines in the log: one per item, or in a larger run now and then the totals and the time left; all failures."""

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self._tally = Tally()
        self._told_at = clock()
        self._told_done = 0
        self._began: dict[Item, float] = {}
        self._steps_told_at: dict[Item, float] = {}

    def planned(self, items: Sequence[Item], expected_s: Mapping[Item, float], workers: int) -> None:
        """See Observer."""
        self._tally = Tally.of(items, expected_s, workers)
        self._told_at, self._told_done = self._clock(), 0
        left = self._tally.time_left({})
        if left is not None:
            log.info("%s items to make, %s", f"{len(items):,}", left)

    def started(self, item: Item, worker: int, attempt: int) -> None:
        """See Observer."""
        del worker, attempt
        self._began[item] = self._steps_told_at[item] = self._clock()

    def progressed(self, item: Item, step: Step) -> None:
        """See Observer."""
        now = self._clock()
        if not self._each or now - self._steps_told_at.get(item, now) < STEP_GAP_S:
            return
        self._steps_told_at[item] = now
        much = amount(step.done, step.total, step.remark)
        words = f"{item.stage} {video_name(item)}: {step.what} {much} {other_than_bytes(step.remark)}"
        log.info(one_line(words))

    def ended(self, outcome: Outcome, final: bool) -> None:
        """See Observer."""
        self._began.pop(outcome.item, None)
        self._steps_told_at.pop(outcome.item, None)
        if not final:
            log.warning("%s; will be tried again", outcome_words(outcome))
            return
        self._tally.end(outcome)
        place = f"[{self._tally.done}/{self._tally.total}]"
        if outcome.result == "failed":
            log.error("%s %s", place, outcome_words(outcome))
        elif self._each and outcome.result != "stopped":
            log.info("%s %s", place, outcome_words(outcome))
        elif not self._each and self._is_time():
            log.info("%s %s", place, self._totals())

    def said(self, level: int, message: str) -> None:
        """See Observer."""
        log.log(level, printable(message))

    @property
    def _each(self) -> bool:
        return self._tally.total <= EACH_UP_TO

    def _is_time(self) -> bool:
        """Whether a line on the totals is due; if so, the next one is counted from here."""
        now, done, total = self._clock(), self._tally.done, self._tally.total
        gap = now - self._told_at
        enough = (done - self._told_done) * 100 >= total or gap >= MAX_GAP_S
        if done < total and (gap < MIN_GAP_S or not enough):
            return False
        self._told_at, self._told_done = now, done
        return True

    def _totals(self) -> str:
        now = self._clock()
        left = self._tally.time_left({item: now - began for item, began in self._began.items()})
        words = tally_words(self._tally.results)
        if left is None or self._tally.done >= self._tally.total:
            return words
        return f"{words}, {left}"


def outcome_words(outcome: Outcome) -> str:
    """E.g. "detect walk: computed in 10.0 s (25 frames/s)", printable."""
    return printable(str(outcome))


def terminal() -> Console | None:
    """Standard error where it is a terminal that can be drawn on, else None."""
    if not sys.stderr.isatty() or os.environ.get("TERM", "") in ("", "dumb", "unknown"):
        return None
    from rich.console import Console

    console = Console(stderr=True)
    return console if console.is_interactive and not console.options.ascii_only else None


def choose_display(quiet: bool = False, json: bool = False) -> Display:
    """What suits standard error; `json` where standard output is a program's, who wants no lines but failures."""
    if quiet:
        return QuietDisplay()
    console = terminal()
    if console is not None:
        from flows.cli.display_live import LiveDisplay

        return LiveDisplay(console)
    return QuietDisplay() if json else PlainDisplay()


@contextlib.contextmanager
def shown_progress() -> Generator[None]:
    """Show what work in this process tells (tasks/progress.py): bars on a terminal; else nothing is changed."""
    console = None if has_sink() else terminal()
    if console is None:
        yield
        return
    from flows.cli.display_live import Bars

    with Bars(console) as bars:
        set_sink(bars.step)
        try:
            yield
        finally:
            set_sink(None)
