"""Render the lines of a live display, each one row of the terminal: a bar of all items, and a line per worker."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from flows.cli.run_progress import TimeLeft
from flows.cli.text_formatting import (
    filter_remark,
    format_amount,
    format_rate,
    format_stopwatch,
    format_video_name,
    join_lines,
)
from flows.engine.outcome import Item, Step

NAME_SHARE, MIN_NAME, MAX_NAME = 0.42, 12, 44
"""Columns for the item's name in a worker's line: share of the width, with minimum and maximum."""
STOPWATCH_WIDTH = 7
BAR_WIDTHS = ((100, 16), (72, 10), (0, 6))
"""(minimum width of the terminal, columns of a bar within a line)."""
MIN_WORDS, MIN_REMARK = 16, 4
"""Least columns for the activity beside a bar, and for a remark; with less, the bar or remark is left out."""
DONE, REST = "cyan", "bright_black"


@dataclass(frozen=True)
class WorkerActivity:
    """An item that a worker is computing."""

    item: Item
    worker: int
    began: float
    """Start time on the display's clock, seconds."""
    attempt: int = 1
    step: Step | None = None


@dataclass(frozen=True)
class RunTotals:
    """The numbers in the header of the display."""

    done: int
    total: int
    worked: int
    """Number of done items that a worker computed, from which the rate follows."""
    failed: int
    blocked: int
    elapsed_s: float
    left: TimeLeft | None


def format_header(totals: RunTotals, width: int) -> list[Text]:
    """Two lines: the bar of all items; failures, time left and rate, most important first, cut at `width`."""
    share = totals.done / totals.total if totals.total else 1.0
    counts = f" {totals.done:,}/{totals.total:,} items {math.floor(100 * share):3d} %"
    first = draw_bar(share, max(width - len(counts), 1))
    first.append(counts)
    parts = [
        (f"{totals.failed:,} failed", "bold red") if totals.failed else None,
        (f"{totals.blocked:,} blocked", "yellow") if totals.blocked else None,
        (format_time_left(totals), ""),
        (format_rate(totals.worked, totals.elapsed_s), ""),
        (format_stopwatch(totals.elapsed_s), "dim"),
    ]
    second = Text(", ").join(Text(words, style) for words, style in filter(None, parts) if words)
    return [truncate_line(first, width), truncate_line(second, width)]


def format_time_left(totals: RunTotals) -> str:
    """Text like "about 12 min left"; "" while there is no estimate."""
    if totals.done >= totals.total:
        return "finishing"
    return "" if totals.left is None else str(totals.left)


def format_workers(activities: Sequence[WorkerActivity], now: float, width: int, rows: int) -> list[Text]:
    """A line per running item, sorted by worker; with too few `rows`, those running longest and how many more."""
    shown = sorted(activities, key=lambda activity: activity.began)
    more = 0
    if len(shown) > rows:
        more = len(shown) - max(rows - 1, 0)
        shown = shown[: max(rows - 1, 0)]
    lines = [format_worker(activity, now, width) for activity in sorted(shown, key=lambda activity: activity.worker)]
    return [*lines, Text(f"+ {more} more", "dim")] if more else lines


def format_worker(activity: WorkerActivity, now: float, width: int) -> Text:
    """The line of one worker: item, elapsed time and progress."""
    columns = min(max(int(width * NAME_SHARE), MIN_NAME), MAX_NAME)
    again = f" (attempt {activity.attempt})" if activity.attempt > 1 else ""
    name = f"{activity.item.stage} {format_video_name(activity.item)}"
    line = Text(pad_text(clip_text(join_lines(name), columns - len(again)) + again, columns))
    line.append(f"{format_stopwatch(max(now - activity.began, 0)):>{STOPWATCH_WIDTH}} ", "dim")
    step = activity.step
    if step is not None and step.done < step.total:
        line.append_text(format_step(step, max(width - line.cell_len, 1), width))
    return truncate_line(line, width)


def format_step(step: Step, room: int, width: int) -> Text:
    """A small bar, the activity and the amount in `room` columns of a terminal of `width`; the amount is never cut."""
    much = format_amount(step.done, step.total, step.remark)
    remark = join_lines(filter_remark(step.remark))
    what = join_lines(step.what)
    room -= len(much) + 1
    line = Text()
    columns = next(columns for least, columns in BAR_WIDTHS if width >= least)
    if room - columns - 1 >= min(cell_len(what), MIN_WORDS):  # otherwise the text is more useful than a bar
        room -= columns + 1
        line = draw_bar(step.done / step.total, columns).append(" ")
    what = clip_text(what, room)
    line.append(f"{what} {much}" if what else much)
    if remark and (left := room - cell_len(what) - 1) >= MIN_REMARK:
        line.append(f" {clip_text(remark, left)}", "dim")
    return line


def draw_bar(share: float, columns: int) -> Text:
    """A bar of `columns`, of which `share` (0 to 1) is done."""
    halves = int(min(max(share, 0.0), 1.0) * columns * 2)
    done = "━" * (halves // 2) + "╸" * (halves % 2)
    return Text.assemble((done, DONE), ("━" * (columns - len(done)), REST))


def clip_text(text: str, columns: int) -> str:
    """`text` in at most `columns`, with an ellipsis where it is cut."""
    if cell_len(text) <= columns:
        return text
    return f"{set_cell_size(text, columns - 1).rstrip()}…" if columns > 1 else ""


def pad_text(text: str, columns: int) -> str:
    """`text` in exactly `columns`."""
    return set_cell_size(text, columns)


def truncate_line(line: Text, width: int) -> Text:
    """`line` as one row of `width` columns at most."""
    line.no_wrap = True
    line.truncate(width, overflow="ellipsis")
    return line
