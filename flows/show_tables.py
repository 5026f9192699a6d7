"""The table of a run: what became of each item where videos are few, counts by stage where they are many."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING

from flows.engine.outcome import Item, Outcome, Result
from flows.wording import one_line, video_name

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
    "stale": "green",
}
RESULTS: tuple[Result, ...] = ("computed", "restored", "reused", "remote", "failed", "blocked", "stopped")
MAX_COLUMNS = 8
"""Videos that each get a column; more are counted by stage."""
UNBOUND = 10_000
"""Characters that no table takes."""


def run_table(console: Console, outcomes: Sequence[Outcome], stages: Sequence[str]) -> Table:
    """A column per video where they are few and fit, else counts by stage."""
    videos = list(dict.fromkeys(outcome.video for outcome in outcomes))
    if len(videos) <= MAX_COLUMNS:
        table = _by_video(outcomes, videos, stages)
        if console.measure(table, options=console.options.update(max_width=UNBOUND)).maximum <= console.width:
            return table
    return _over_videos(outcomes, stages)


def _by_video(outcomes: Sequence[Outcome], videos: Sequence[str], stages: Sequence[str]) -> Table:
    from rich.text import Text

    table = new_table("stage", *(Text(one_line(video_name(Item(video, "")))) for video in videos))
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


def _over_videos(outcomes: Sequence[Outcome], stages: Sequence[str]) -> Table:
    """How many items of each stage had which result, and what the computed ones took together."""
    from rich.text import Text

    counts: dict[str, Counter[Result]] = defaultdict(Counter[Result])
    seconds: dict[str, float] = defaultdict(float)
    frames: dict[str, int] = defaultdict(int)
    for outcome in outcomes:
        counts[outcome.stage][outcome.result] += 1
        if outcome.result == "computed":
            seconds[outcome.stage] += outcome.seconds
            frames[outcome.stage] += outcome.frames
    results: list[Result] = [result for result in RESULTS if any(here[result] for here in counts.values())]
    table = new_table("stage", *results, "seconds", "frames/s")
    for stage in stages:
        took, seen = seconds[stage], frames[stage]
        table.add_row(
            stage,
            *(Text(f"{counts[stage][result] or ''}", STYLE[result]) for result in results),
            f"{took:.1f}" if took else "",
            f"{seen / took:.0f}" if seen and took else "",
        )
    return table


def new_table(first: str, *others: str | Text) -> Table:
    """A table with these columns, numbers in all but the first."""
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, header_style="bold", pad_edge=False)
    table.add_column(first, no_wrap=True)
    for name in others:
        table.add_column(name, justify="right", no_wrap=True)
    return table
