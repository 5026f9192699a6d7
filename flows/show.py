"""How the terminal shows a run, a plan and scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich import box
from rich.console import Console
from rich.table import Table

from flows.engine.item import Outcome
from flows.engine.plan import State
from flows.engine.run import Summary
from flows.evaluate.scores import Row, Scores

UNBOUND = 10_000
"""Characters that no table takes."""
NUMBER_WIDTH, BORDER = 6, 3
"""Characters that a metric takes in a table, and those around each column."""
STYLE = {
    "computed": "green",
    "restored": "cyan",
    "reused": "dim",
    "failed": "bold red",
    "blocked": "yellow",
    "fresh": "dim",
    "stale": "green",
}
RESULTS = ("computed", "restored", "reused", "failed", "blocked")


def show_summary(console: Console, summary: Summary, stages: Sequence[str]) -> None:
    """A row per stage, the failures in words, and where to look next."""
    by_video: dict[str, dict[str, Outcome]] = {}
    for outcome in summary.outcomes:
        by_video.setdefault(outcome.video, {})[outcome.stage] = outcome
    if by_video:
        table = _by_video(by_video, stages)
        unbound = console.options.update(max_width=UNBOUND)
        fits = console.measure(table, options=unbound).maximum <= console.width
        console.print(table if fits else _over_videos(summary.outcomes, stages))
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


def _by_video(by_video: Mapping[str, Mapping[str, Outcome]], stages: Sequence[str]) -> Table:
    """What became of each stage, a column per video."""
    table = Table(box=box.SIMPLE_HEAD, header_style="bold", pad_edge=False)
    for name in ("stage", *by_video):
        table.add_column(name, no_wrap=True)
    for stage in stages:
        table.add_row(stage, *(_cell(row.get(stage)) for row in by_video.values()))
    return table


def _over_videos(outcomes: Sequence[Outcome], stages: Sequence[str]) -> Table:
    """How many items of each stage had which result, and what the computed ones took together."""
    results = [result for result in RESULTS if any(outcome.result == result for outcome in outcomes)]
    table = Table(box=box.SIMPLE_HEAD, header_style="bold", pad_edge=False)
    table.add_column("stage", no_wrap=True)
    for name in (*results, "seconds", "frames/s"):
        table.add_column(name, justify="right")
    for stage in stages:
        mine = [outcome for outcome in outcomes if outcome.stage == stage]
        counts = {result: sum(outcome.result == result for outcome in mine) for result in results}
        seconds = sum(outcome.seconds for outcome in mine if outcome.result == "computed")
        frames = sum(outcome.frames for outcome in mine if outcome.result == "computed")
        table.add_row(
            stage,
            *(f"[{STYLE[result]}]{count or ''}[/]" for result, count in counts.items()),
            f"{seconds:.1f}" if seconds else "",
            f"{frames / seconds:.0f}" if frames and seconds else "",
        )
    return table


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
    """A table for each kind of items, by their metrics, what they come to together, and what else there is to see."""
    kinds: dict[tuple[str, ...], dict[str, Mapping[str, float]]] = {}
    for item, row in scores.items.items():
        kinds.setdefault(tuple(row), {})[item] = row
    # Items of one kind and their combination are one table.
    alike = len(kinds) == 1 and set(scores.combined) <= {name for names in kinds for name in names}
    for names, rows in kinds.items():
        kind = "" if alike else _kind(list(rows))
        shown = {item.removeprefix(f"{kind}/"): row for item, row in rows.items()}
        if alike:
            shown["combined"] = scores.combined
        for part in _side_by_side(names, console.width - max(map(len, shown)) - BORDER):
            console.print(_scores_table(f"{scores.suite} {kind}".strip(), shown, part, alike))
    if not alike:
        console.print(_combined_list(scores))
    for title, rows in scores.tables.items():
        console.print(_words_table(title, rows))


def _scores_table(title: str, rows: Mapping[str, Mapping[str, float]], names: Sequence[str], combined: bool) -> Table:
    """A row per item; the last one stands out where it is all of them `combined`."""
    table = Table(title=title, header_style="bold")
    table.add_column("item", no_wrap=True)
    for name in names:
        table.add_column(name, justify="right")
    for number, (item, row) in enumerate(rows.items(), start=1):
        style = "bold" if combined and number == len(rows) else None
        table.add_row(item, *(_number(row.get(name)) for name in names), style=style)
    return table


def _combined_list(scores: Scores) -> Table:
    """A row per metric."""
    table = Table(title=f"{scores.suite} combined", header_style="bold")
    table.add_column("metric")
    table.add_column("value", justify="right")
    for name, value in scores.combined.items():
        table.add_row(name, _number(value))
    return table


def _words_table(title: str, rows: Sequence[Row]) -> Table:
    """`rows` as they are, a column per key."""
    table = Table(title=title, header_style="bold")
    names = list(dict.fromkeys(name for row in rows for name in row))
    for name in names:
        table.add_column(name)
    for row in rows:
        cells = (row.get(name, "") for name in names)
        table.add_row(*(cell if isinstance(cell, str) else _number(cell) for cell in cells))
    return table


def _kind(items: Sequence[str]) -> str:
    """What stands before the first `/` of all items; nothing where they differ in it."""
    kinds = {item.partition("/")[0] for item in items if "/" in item}
    return kinds.pop() if len(kinds) == 1 and all("/" in item for item in items) else ""


def _side_by_side(names: Sequence[str], width: int) -> list[Sequence[str]]:
    """`names` in as few parts of about one size as make columns of at most `width` characters; headings may wrap."""
    needed = {name: max([NUMBER_WIDTH, *map(len, name.split())]) + BORDER for name in names}
    for count in range(1, len(names)):
        size = -(-len(names) // count)
        parts = [names[start : start + size] for start in range(0, len(names), size)]
        if all(sum(needed[name] for name in part) <= width for part in parts):
            return parts
    return [[name] for name in names]


def _cell(outcome: Outcome | None) -> str:
    if outcome is None:
        return ""
    rate = f", {outcome.frames / outcome.seconds:.0f}/s" if outcome.frames and outcome.seconds else ""
    took = f"{outcome.seconds:.1f} s{rate}" if outcome.result == "computed" else outcome.result
    return f"[{STYLE[outcome.result]}]{took}[/]"


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return str(value) if isinstance(value, int) or float(value).is_integer() else f"{value:.4g}"
