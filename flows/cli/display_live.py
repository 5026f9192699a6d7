"""Live displays at the bottom of a terminal: of a run, and of the progress of one process."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.text import Text

from flows.cli.display_lines import RunTotals, WorkerActivity, format_header, format_step, format_workers, truncate_line
from flows.cli.display_log import Clock, Display, format_outcome
from flows.cli.display_region import INTERVAL_S, TerminalRegion
from flows.cli.run_progress import RunProgress
from flows.cli.text_formatting import escape_controls, format_duration
from flows.engine.outcome import Item, Outcome, Step

EACH_BELOW = 30
"""In runs with fewer items than this, each finished item gets a line."""
FAILED, WARNED, ENDED = "red", "yellow", "dim"


class LiveDisplay(Display):
    """Shows a bar of all items and a line per worker; failures and warnings are printed above them.

    With `interval_s` None it is only drawn by `region.refresh`.
    """

    def __init__(self, console: Console, clock: Clock = time.monotonic, interval_s: float | None = INTERVAL_S) -> None:
        self.region = TerminalRegion(console, self.render_lines, interval_s)
        self._clock = clock
        self._lock = threading.Lock()  # events come from the engine's thread, lines are drawn by another
        self._progress = RunProgress()
        self._began = clock()
        self._in_hand: dict[Item, WorkerActivity] = {}

    def close(self) -> None:
        """Remove the lines and restore the cursor."""
        self.region.stop()

    def on_planned(self, items: Sequence[Item], expected_s: Mapping[Item, float], workers: int) -> None:
        """See Observer."""
        with self._lock:
            self._progress = RunProgress.from_plan(items, expected_s, workers)
            self._began = self._clock()
        if items:
            self.region.start()

    def on_started(self, item: Item, worker: int, attempt: int) -> None:
        """See Observer."""
        with self._lock:
            self._in_hand[item] = WorkerActivity(item, worker, self._clock(), attempt)

    def on_progress(self, item: Item, step: Step) -> None:
        """See Observer."""
        with self._lock:
            if (activity := self._in_hand.get(item)) is not None:
                self._in_hand[item] = replace(activity, step=step)

    def on_ended(self, outcome: Outcome, final: bool) -> None:
        """See Observer."""
        with self._lock:
            self._in_hand.pop(outcome.item, None)
            if final:
                self._progress.record_outcome(outcome)
            place = f"[{self._progress.done}/{self._progress.total}]"
            shown = self._progress.total < EACH_BELOW or (final and self._progress.is_first_page(outcome))
        if not final:
            self.region.print_above(f"{format_outcome(outcome)}; will be retried", WARNED)
        elif outcome.result == "failed":
            self.region.print_above(format_outcome(outcome), FAILED)
        elif shown and outcome.is_good:
            self.region.print_above(f"{place} {format_outcome(outcome)}", ENDED)

    def on_message(self, level: int, message: str) -> None:
        """See Observer."""
        if level >= logging.WARNING:
            self.region.print_above(escape_controls(message), FAILED if level >= logging.ERROR else WARNED)

    def render_lines(self, width: int, rows: int) -> list[Text]:
        """The present lines, at most `rows` (at least 3: the header and one worker)."""
        with self._lock:
            now = self._clock()
            in_hand = list(self._in_hand.values())
            results = self._progress.results
            totals = RunTotals(
                done=self._progress.done,
                total=self._progress.total,
                worked=self._progress.worked,
                failed=results["failed"],
                blocked=results["blocked"],
                elapsed_s=now - self._began,
                left=self._progress.time_left({activity.item: now - activity.began for activity in in_hand}),
            )
        return [*format_header(totals, width), *format_workers(in_hand, now, width, max(rows - 2, 1))]


@dataclass(frozen=True)
class _Work:
    """One activity of this process."""

    began: float
    step: Step


class ProgressBars:
    """Shows a bar for each current activity of this process, of any thread; removed when all are done."""

    def __init__(self, console: Console, clock: Clock = time.monotonic, interval_s: float | None = INTERVAL_S) -> None:
        self.region = TerminalRegion(console, self.render_lines, interval_s)
        self._clock = clock
        self._lock = threading.Lock()
        self._showing = threading.Lock()  # held while the region comes or goes
        self._works: dict[str, _Work] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.region.stop()

    def update_bar(self, what: str, done: float, total: float, remark: str) -> None:
        """See tasks.progress.ProgressSink."""
        with self._showing:
            with self._lock:
                if done >= total:
                    self._works.pop(what, None)
                else:
                    began = self._works[what].began if what in self._works else self._clock()
                    self._works[what] = _Work(began, Step(what, done, total, remark))
                any_left = bool(self._works)
            if any_left:
                self.region.start()
            else:
                self.region.stop()

    def render_lines(self, width: int, rows: int) -> list[Text]:
        """A line per activity, at most `rows`."""
        with self._lock:
            works = list(self._works.values())[:rows]
        now = self._clock()
        return [self._line(work, now, width) for work in works]

    def _line(self, work: _Work, now: float, width: int) -> Text:
        step = work.step
        elapsed = now - work.began
        left = (
            f"{format_duration(elapsed * (step.total - step.done) / step.done)} left"
            if 0 < step.done < step.total
            else ""
        )
        line = format_step(step, max(width - len(left) - 1, 1), width)
        return truncate_line(line.append(f" {left}" if left else "", "dim"), width)
