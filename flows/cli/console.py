"""Print the summary of a run, and a plan, in the terminal; for three videos or ten thousand.

rich takes a tenth of a second to import, so it is imported only where there is a table to print.
"""

from __future__ import annotations

import signal
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from flows.cli.console_groups import ItemReason, group_reasons
from flows.cli.console_sizes import SIZE_COLUMNS, format_size_lines, format_size_sums, format_sizes
from flows.cli.console_tables import RESULTS, STYLE, StageTableRow, make_run_table, make_stage_table
from flows.cli.plan_line import ItemStatus, PlanLine
from flows.cli.text_formatting import (
    escape_controls,
    format_counts,
    format_duration,
    format_video_name,
    join_lines,
)
from flows.engine.outcome import Summary

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

STATUS_ORDER: tuple[ItemStatus, ...] = ("fresh", "dropped", "stale", "remote", "failed", "blocked")
MAX_LINES = 20
"""Most failures of a run, or reasons of a plan, that are shown."""
RANK = {"failed": 0, "stale": 1, "blocked": 2, "remote": 4, "dropped": 4}
NEXT_STEPS = (
    "next: semflow view                           opens the pages in your browser",
    "      semflow describe tracks                what a table holds, and how to read it in Python",
    "      semflow run --videos 'folder/*.mp4'    your own films",
)
"""What one does after a run that made pages."""
SHOWN_AS_FACTOR = 2.0
"""Ratio of a run's time to the expected one from which it is shown as a factor, not in per cent."""
WAITS, WAITS_RANK = "waits for ", 3
"""Prefix of the reason of an item that waits for another, and its rank: causes are shown before it."""


def show_summary(
    console: Console | None, summary: Summary, stages: Sequence[str], warnings: Sequence[str] = ()
) -> None:
    """Print a table of outcomes by stage, the failures, notes and the path of the report; to stdout if no `console`.

    `stages` are their names in order, `warnings` lines on what was computed.
    """
    outcomes = summary.outcomes
    counts = Counter(outcome.result for outcome in outcomes)
    # A run with nothing to do prints no table, and so does not import rich.
    if any(counts[result] for result in ("computed", "restored", "failed", "blocked", "stopped")):
        console = console or _stdout()
        console.print(make_run_table(console, outcomes, stages))
    failures = [
        ItemReason(outcome.item, "failed", outcome.error or "no reason given")
        for outcome in outcomes
        if outcome.result == "failed"
    ]
    _show_failures(console, failures)
    for line in (*_notes(summary), *warnings):
        _write(console, line)
    words = format_counts({result: counts[result] for result in RESULTS})
    _write(console, f"{words or 'nothing to do'} in {format_duration(summary.seconds)}")
    if counts["computed"]:
        _write(console, _expectation(summary))
    if summary.index:
        _write(console, f"report: {summary.index}")
    if any(outcome.page for outcome in outcomes) and not summary.interrupted:
        for line in NEXT_STEPS:
            _write(console, line)


def show_plan(console: Console | None, lines: Sequence[PlanLine], stages: Sequence[str], every: bool = False) -> None:
    """Print a table of statuses by stage, then the reasons (`every`: a line for each item that is not fresh)."""
    counts = count_states(lines)
    if counts["stale"]:
        console = console or _stdout()
        console.print(_plan_table(console, lines, stages))
    else:
        for line in format_size_lines(lines, stages):
            _write(console, line)
    explained = [line for line in lines if line.status not in ("fresh", "remote", "dropped")]
    if every:
        rows = ((line.status, f"{line.item.stage} {format_video_name(line.item)}: {line.reason}") for line in explained)
        text = "".join(f"{status:<7} {join_lines(reason)}\n" for status, reason in rows)
        (console.file if console else sys.stdout).write(text)  # with rich 150,000 lines take most of a minute
    else:
        _show_reasons(console, explained, stages)
    _write(console, format_counts(counts) or "no items")
    if words := format_size_sums(lines):
        _write(console, words)


def count_states(lines: Iterable[PlanLine]) -> dict[str, int]:
    """The number of items by status."""
    counts = Counter(line.status for line in lines)
    return {name: counts[name] for name in STATUS_ORDER}


def _show_failures(console: Console | None, failures: Sequence[ItemReason]) -> None:
    """Print a line for each group of equal failures, at most MAX_LINES."""
    groups = group_reasons(failures)
    for group in groups[:MAX_LINES]:
        _write(console, f"failed {group.who}: {group.text}", STYLE["failed"], len("failed"))
    if more := sum(group.count for group in groups[MAX_LINES:]):
        _write(console, f"and {more:,} more failed; see `semflow status` or `--json`")


def _show_reasons(console: Console | None, lines: Sequence[PlanLine], stages: Sequence[str]) -> None:
    """Print why items are not fresh, causes first, at most MAX_LINES lines."""
    place = {stage: number for number, stage in enumerate(stages)}
    groups = group_reasons(ItemReason(line.item, line.status, line.reason) for line in lines)

    def rank(status: str, text: str) -> int:
        return WAITS_RANK if text.startswith(WAITS) else RANK[status]

    groups.sort(key=lambda group: (rank(group.status, group.text), place.get(group.stage, len(place))))
    for group in groups[:MAX_LINES]:
        words = f"{group.status:<7} {group.who}: {group.text}"
        _write(console, words, STYLE[group.status], len(group.status))
    if more := sum(group.count for group in groups[MAX_LINES:]):
        _write(console, f"and {more:,} more items; `semflow plan --all` shows each")


def _notes(summary: Summary) -> list[str]:
    """Further information for the user besides the outcomes, one line each."""
    lines: list[str] = []
    if summary.moved:
        lines.append(
            f"moved {len(summary.moved):,} files and folders of videos that are no longer in data/raw to "
            ".semflow/removed"
        )
    lines += [f"not recorded in DVC: {stage}: {reason}" for stage, reason in summary.unrecorded.items()]
    lines += summary.notes
    if summary.interrupted:
        lines.append(
            f"interrupted ({_signal(summary.interrupted)}): finished items are kept, the next run continues from them"
        )
    return lines


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _expectation(summary: Summary) -> str:
    took = sum(outcome.seconds for outcome in summary.outcomes if outcome.result == "computed")
    words = f"took {format_duration(took)} of item time"
    if not summary.expected_s:
        return words
    ratio = took / summary.expected_s
    percent = round(100 * abs(ratio - 1))
    off = f" ({percent} % {'more' if ratio > 1 else 'less'})" if percent else ""
    if ratio >= SHOWN_AS_FACTOR:
        off = f" ({ratio:.1f} times as long)"
    return f"{words}, {format_duration(summary.expected_s)} were expected{off}"


def _plan_table(console: Console, lines: Sequence[PlanLine], stages: Sequence[str]) -> Table | Text:
    """A row per stage: number of items by status, expected time of the stale ones, sizes on disk and not kept."""
    by_stage: dict[str, list[PlanLine]] = {stage: [] for stage in stages}
    for line in lines:
        by_stage.setdefault(line.item.stage, []).append(line)
    rows = [
        StageTableRow(stage, count_states(mine), (_expected(mine), *format_sizes(mine)))
        for stage, mine in (*by_stage.items(), ("all", lines))
        if mine
    ]
    return make_stage_table(console, STATUS_ORDER, rows, ("expected", *SIZE_COLUMNS), last=True)


def _expected(lines: Sequence[PlanLine]) -> str:
    """Expected time of the stale items; "at least" where some have no estimate."""
    stale = [line.expected_s for line in lines if line.status == "stale"]
    known = [seconds for seconds in stale if seconds is not None]
    if not known:
        return "unknown" if stale else ""
    return f"{'' if len(known) == len(stale) else 'at least '}{format_duration(sum(known))}"


def _stdout() -> Console:
    from rich.console import Console

    return Console()


def _write(console: Console | None, text: str, style: str = "", styled: int = 0) -> None:
    """Print a line, its first `styled` characters in `style`; to stdout without a console."""
    text = escape_controls(text)
    if console is None:
        sys.stdout.write(f"{text}\n")
        return
    from rich.text import Text

    console.print(Text.assemble((text[:styled], style), text[styled:]), soft_wrap=True)
