"""How the terminal shows a run, a plan and scores."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Table

from flows.engine import Summary
from flows.evaluate.scores import Scores
from flows.item import Outcome
from flows.plan import State

ROWS = 40
"""Videos that a table shows; beyond that only those where something happened."""
STYLE = {
    "computed": "green",
    "restored": "cyan",
    "reused": "dim",
    "failed": "bold red",
    "blocked": "yellow",
    "fresh": "dim",
    "stale": "green",
}


def show_summary(console: Console, summary: Summary, stages: Sequence[str]) -> None:
    """The table video x stage, the failures in words, and where to look next."""
    # No lines between columns: ten stages must fit a terminal.
    table = Table(box=box.SIMPLE_HEAD, header_style="bold", pad_edge=False, collapse_padding=True)
    table.add_column("video")
    for stage in stages:
        table.add_column(stage.replace("_", "_\n"))  # a table of many stages must fit a terminal
    by_video: dict[str, dict[str, Outcome]] = {}
    for outcome in summary.outcomes:
        by_video.setdefault(outcome.video, {})[outcome.stage] = outcome
    shown = (
        by_video
        if len(by_video) <= ROWS
        else {video: row for video, row in by_video.items() if any(o.result != "reused" for o in row.values())}
    )
    for video, row in shown.items():
        table.add_row(video, *(_cell(row.get(stage)) for stage in stages))
    if shown:
        console.print(table)
    if len(shown) < len(by_video):
        console.print(f"{len(by_video) - len(shown)} more videos: everything reused")
    for outcome in summary.outcomes:
        if outcome.result == "failed":
            console.print(f"[bold red]failed[/] {outcome.stage} {outcome.video}: ", end="")
            console.print(outcome.error, markup=False, highlight=False)
    if summary.moved:
        console.print(
            f"moved {len(summary.moved)} files and folders of videos that are no longer in data/raw to "
            ".semflow/removed",
            highlight=False,
            soft_wrap=True,
        )
    for stage, reason in summary.unrecorded.items():
        console.print(f"[yellow]not recorded in DVC[/] {stage}: {reason}", highlight=False)
    counts = {result: sum(o.result == result for o in summary.outcomes) for result in STYLE}
    words = ", ".join(f"{count} {result}" for result, count in counts.items() if count)
    console.print(f"{words or 'nothing to do'} in {summary.seconds:.1f} s", highlight=False)
    if summary.index:
        console.print(f"report: {summary.index}", highlight=False, soft_wrap=True)


def show_plan(console: Console, states: Sequence[State]) -> None:
    """A row per item that is not fresh, then the counts."""
    table = Table(header_style="bold")
    for name in ("video", "stage", "state", "why"):
        table.add_column(name)
    for state in states:
        if state.standing != "fresh":
            table.add_row(
                state.item.video, state.item.stage, f"[{STYLE[state.standing]}]{state.standing}[/]", state.reason
            )
    if table.row_count:
        console.print(table)
    counts = plan_counts(states)
    console.print(", ".join(f"{count} {name}" for name, count in counts.items()), highlight=False)


def plan_counts(states: Sequence[State]) -> dict[str, int]:
    """How many items stand how."""
    return {name: sum(state.standing == name for state in states) for name in ("fresh", "stale", "failed", "blocked")}


def show_scores(console: Console, scores: Scores) -> None:
    """A row per item and one for all together."""
    names = list(dict.fromkeys([*scores.combined, *(name for row in scores.items.values() for name in row)]))
    table = Table(title=scores.suite, header_style="bold")
    table.add_column("item")
    for name in names:
        table.add_column(name, justify="right")
    for item, row in [*scores.items.items(), ("combined", scores.combined)]:
        table.add_row(item, *(_number(row.get(name)) for name in names), style="bold" if item == "combined" else None)
    console.print(table)


def _cell(outcome: Outcome | None) -> str:
    if outcome is None:
        return ""
    rate = f"\n{outcome.frames / outcome.seconds:.0f} fps" if outcome.frames and outcome.seconds else ""
    took = f"\n{outcome.seconds:.1f} s{rate}" if outcome.result in ("computed", "restored") else ""
    return f"[{STYLE[outcome.result]}]{outcome.result}[/]{took}"


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return str(value) if isinstance(value, int) or float(value).is_integer() else f"{value:.4g}"
