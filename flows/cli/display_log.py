"""Observers of a run that write to the log: failures alone, or a line per item or now and then the totals."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Self

from flows.cli.run_progress import RunProgress
from flows.cli.text_formatting import (
    escape_controls,
    filter_remark,
    format_amount,
    format_counts,
    format_video_name,
    join_lines,
)
from flows.engine.outcome import Item, Outcome, Step, Summary

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

    def on_planned(self, items: Sequence[Item], expected_s: Mapping[Item, float], workers: int) -> None:
        """See Observer."""

    def on_started(self, item: Item, worker: int, attempt: int) -> None:
        """See Observer."""

    def on_progress(self, item: Item, step: Step) -> None:
        """See Observer."""

    def on_ended(self, outcome: Outcome, final: bool) -> None:
        """See Observer."""

    def on_message(self, level: int, message: str) -> None:
        """See Observer."""

    def on_finished(self, summary: Summary) -> None:
        """See Observer."""
        del summary
        self.close()


class QuietDisplay(Display):
    """Failures, in the log; else nothing."""

    def on_ended(self, outcome: Outcome, final: bool) -> None:
        """See Observer."""
        if final and outcome.result == "failed":
            log.error(format_outcome(outcome))

    def on_message(self, level: int, message: str) -> None:
        """See Observer."""
        if level >= logging.ERROR:
            log.log(level, escape_controls(message))


class PlainDisplay(Display):
    """Lines in the log: one per item, or in a larger run now and then the totals and the time left; all failures."""

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self._progress = RunProgress()
        self._told_at = clock()
        self._told_done = 0
        self._began: dict[Item, float] = {}
        self._steps_told_at: dict[Item, float] = {}

    def on_planned(self, items: Sequence[Item], expected_s: Mapping[Item, float], workers: int) -> None:
        """See Observer."""
        self._progress = RunProgress.from_plan(items, expected_s, workers)
        self._told_at, self._told_done = self._clock(), 0
        left = self._progress.time_left({})
        if left is not None:
            log.info("%s items to make, %s", f"{len(items):,}", left)

    def on_started(self, item: Item, worker: int, attempt: int) -> None:
        """See Observer."""
        del worker, attempt
        self._began[item] = self._steps_told_at[item] = self._clock()

    def on_progress(self, item: Item, step: Step) -> None:
        """See Observer."""
        now = self._clock()
        if not self._each or now - self._steps_told_at.get(item, now) < STEP_GAP_S:
            return
        self._steps_told_at[item] = now
        much = format_amount(step.done, step.total, step.remark)
        words = f"{item.stage} {format_video_name(item)}: {step.what} {much} {filter_remark(step.remark)}"
        log.info(join_lines(words))

    def on_ended(self, outcome: Outcome, final: bool) -> None:
        """See Observer."""
        self._began.pop(outcome.item, None)
        self._steps_told_at.pop(outcome.item, None)
        if not final:
            log.warning("%s; will be tried again", format_outcome(outcome))
            return
        self._progress.record_outcome(outcome)
        place = f"[{self._progress.done}/{self._progress.total}]"
        if outcome.result == "failed":
            log.error("%s %s", place, format_outcome(outcome))
        elif self._each and outcome.result != "stopped":
            log.info("%s %s", place, format_outcome(outcome))
        elif not self._each and self._is_time():
            log.info("%s %s", place, self._totals())

    def on_message(self, level: int, message: str) -> None:
        """See Observer."""
        log.log(level, escape_controls(message))

    @property
    def _each(self) -> bool:
        return self._progress.total <= EACH_UP_TO

    def _is_time(self) -> bool:
        """Whether a line on the totals is due; if so, the next one is counted from here."""
        now, done, total = self._clock(), self._progress.done, self._progress.total
        gap = now - self._told_at
        enough = (done - self._told_done) * 100 >= total or gap >= MAX_GAP_S
        if done < total and (gap < MIN_GAP_S or not enough):
            return False
        self._told_at, self._told_done = now, done
        return True

    def _totals(self) -> str:
        now = self._clock()
        left = self._progress.time_left({item: now - began for item, began in self._began.items()})
        words = format_counts(self._progress.results)
        if left is None or self._progress.done >= self._progress.total:
            return words
        return f"{words}, {left}"


def format_outcome(outcome: Outcome) -> str:
    """E.g. "detect walk: computed in 10.0 s (25 frames/s)", printable."""
    return escape_controls(str(outcome))
