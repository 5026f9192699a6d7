"""Tables of a run or plan: a row per stage, with a column per video for few videos, else counts."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from flows.cli.text_formatting import format_counts, format_video_name, join_lines
from flows.engine.outcome import Item, Outcome, Result

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

STYLE = {
    "computed": "green",
    "restored": "cyan",
    "reused": "dim",
    "remote": "dim",
    "failed": "bold red",
    "blocked": "yellow",
    "stopped": "yellow",
    "fresh": "dim",
    "dropped": "dim",
    "stale": "green",
}
RESULTS: tuple[Result, ...] = ("computed", "restored", "reused", "remote", "failed", "blocked", "stopped")
MAX_COLUMNS = 8
"""Most videos with a column of their own; for more, items are counted by stage."""
UNBOUND = 10_000
"""Width in characters that no table needs."""


class StageTableRow(NamedTuple):
    """A row of a table by stage."""

    name: str
    counts: Mapping[str, int]
    """Number of items by result or status."""
    others: tuple[str, ...]
    """Further cells; "" for an empty one."""


def make_run_table(console: Console, outcomes: Sequence[Outcome], stages: Sequence[str]) -> Table | Text:
    """A table with a column per video where they fit, else counts by stage."""
    videos = list(dict.fromkeys(outcome.video for outcome in outcomes))
    if len(videos) <= MAX_COLUMNS:
        table = _by_video(outcomes, videos, stages)
        if _fits(console, table):
            return table
    return make_stage_table(console, RESULTS, _over_videos(outcomes, stages), ("seconds", "frames/s"))


def make_stage_table(
    console: Console, names: Sequence[str], rows: Sequence[StageTableRow], others: Sequence[str], last: bool = False
) -> Table | Text:
    """A table with a row per stage, columns for `names` with counts and for `others`; lines of text if it does not fit.

    With `last`, the last row is separated by a line.
    """
    from rich.text import Text

    counted = [name for name in names if any(row.counts.get(name) for row in rows)]
    table = _new_table("stage", *counted, *others)
    for number, row in enumerate(rows, start=1):
        if last and number == len(rows):
            table.add_section()
        numbers = ((name, row.counts.get(name, 0)) for name in counted)
        cells = (Text(f"{count:,}" if count else "", STYLE[name]) for name, count in numbers)
        table.add_row(row.name, *cells, *row.others)
    return table if _fits(console, table) else Text("\n".join(_words(row, others) for row in rows))


def _words(row: StageTableRow, others: Sequence[str]) -> str:
    """E.g. "decode: 3 computed, 1 failed, 8.0 seconds"."""
    more = [f"{value} {name}" for value, name in zip(row.others, others, strict=True) if value]
    return f"{row.name}: {', '.join([format_counts(row.counts), *more])}"


def _fits(console: Console, table: Table) -> bool:
    return console.measure(table, options=console.options.update(max_width=UNBOUND)).maximum <= console.width


def _by_video(outcomes: Sequence[Outcome], videos: Sequence[str], stages: Sequence[str]) -> Table:
    from rich.text import Text

    table = _new_table("stage", *(Text(join_lines(format_video_name(Item(video, "")))) for video in videos))
    found = {outcome.item: outcome for outcome in outcomes}
    for stage in stages:
        cells = (found.get(Item(video, stage)) for video in videos)
        table.add_row(stage, *(Text("") if one is None else Text(_cell(one), STYLE[one.result]) for one in cells))
    return table


def _cell(outcome: Outcome) -> str:
    if outcome.result != "computed":
        return outcome.result
    rate = f", {outcome.frames / outcome.seconds:.0f}/s" if outcome.frames and outcome.seconds else ""
    return f"{outcome.seconds:.1f} s{rate}"


def _over_videos(outcomes: Sequence[Outcome], stages: Sequence[str]) -> list[StageTableRow]:
    """A row per stage: number of items by result, total seconds of the computed ones, and frames per second."""
    counts: dict[str, Counter[str]] = {stage: Counter() for stage in stages}
    seconds: dict[str, float] = defaultdict(float)
    frames: dict[str, int] = defaultdict(int)
    for outcome in outcomes:
        counts[outcome.stage][outcome.result] += 1
        if outcome.result == "computed":
            seconds[outcome.stage] += outcome.seconds
            frames[outcome.stage] += outcome.frames
    return [
        StageTableRow(stage, here, (f"{took:.1f}" if took else "", f"{frames[stage] / took:.0f}" if took else ""))
        for stage, here in counts.items()
        for took in [seconds[stage]]
    ]


def _new_table(first: str, *others: str | Text) -> Table:
    """An empty table with these columns, all but the first aligned to the right."""
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, header_style="bold", pad_edge=False)
    table.add_column(first, no_wrap=True)
    for name in others:
        table.add_column(name, justify="right", no_wrap=True)
    return table
