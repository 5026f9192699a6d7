"""Observers of a run that write to the log: only failures, or a line per item, or the totals from time to time."""

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
"""Seconds since an arbitrary point in time."""
EACH_UP_TO = 100
"""In runs with at most this many items, each item gets a line in the log."""
MIN_GAP_S, MAX_GAP_S = 1.0, 60.0
"""Least time between two lines of a larger run, and longest time while less than a hundredth has been done since."""
STEP_GAP_S = 30.0
"""Least time between two lines about the progress of one item."""


class Display:
    """An Observer that shows nothing; a context manager, so that the terminal is restored however the run ends."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop displaying."""

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
    """Logs only failures."""

    def on_ended(self, outcome: Outcome, final: bool) -> None:
        """See Observer."""
        if final and outcome.result == "failed":
            log.error(format_outcome(outcome))

    def on_message(self, level: int, message: str) -> None:
        """See Observer."""
        if level >= logging.ERROR:
            log.log(level, escape_controls(message))


class PlainDisplay(Display):
    """Logs a line per item, or in a larger run the totals and the time left from time to time; and all failures."""

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self._progress = RunProgress()
        self._logged_at = clock()
        self._logged_done = 0
        self._began: dict[Item, float] = {}
        self._steps_logged_at: dict[Item, float] = {}

    def on_planned(self, items: Sequence[Item], expected_s: Mapping[Item, float], workers: int) -> None:
        """See Observer."""
        self._progress = RunProgress.from_plan(items, expected_s, workers)
        self._logged_at, self._logged_done = self._clock(), 0
        left = self._progress.time_left({})
        if left is not None:
            log.info("%s items to compute, %s", f"{len(items):,}", left)

    def on_started(self, item: Item, worker: int, attempt: int) -> None:
        """See Observer."""
        del worker, attempt
        self._began[item] = self._steps_logged_at[item] = self._clock()

    def on_progress(self, item: Item, step: Step) -> None:
        """See Observer."""
        now = self._clock()
        if not self._each or now - self._steps_logged_at.get(item, now) < STEP_GAP_S:
            return
        self._steps_logged_at[item] = now
        much = format_amount(step.done, step.total, step.remark)
        words = f"{item.stage} {format_video_name(item)}: {step.what} {much} {filter_remark(step.remark)}"
        log.info(join_lines(words))

    def on_ended(self, outcome: Outcome, final: bool) -> None:
        """See Observer."""
        self._began.pop(outcome.item, None)
        self._steps_logged_at.pop(outcome.item, None)
        if not final:
            log.warning("%s; will be retried", format_outcome(outcome))
            return
        self._progress.record_outcome(outcome)
        place = f"[{self._progress.done}/{self._progress.total}]"
        if outcome.result == "failed":
            log.error("%s %s", place, format_outcome(outcome))
        elif (self._each and outcome.result != "stopped") or self._progress.is_first_page(outcome):
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
        """Whether a line with the totals is due; if so, the time of the last line is reset."""
        now, done, total = self._clock(), self._progress.done, self._progress.total
        gap = now - self._logged_at
        enough = (done - self._logged_done) * 100 >= total or gap >= MAX_GAP_S
        if done < total and (gap < MIN_GAP_S or not enough):
            return False
        self._logged_at, self._logged_done = now, done
        return True

    def _totals(self) -> str:
        now = self._clock()
        left = self._progress.time_left({item: now - began for item, began in self._began.items()})
        words = format_counts(self._progress.results)
        if left is None or self._progress.done >= self._progress.total:
            return words
        return f"{words}, {left}"


def format_outcome(outcome: Outcome) -> str:
    """Printable text like "detect walk: computed in 10.0 s (25 frames/s)"."""
    return escape_controls(str(outcome))
