"""Print the scores of an evaluation suite as tables that fit the width of the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from flows.evaluate.score_table import SuiteScores, TableRow

NUMBER_WIDTH, BORDER = 6, 3
"""Characters of a number in a table, and of the border around each column."""
MAX_WORDS_WIDTH = 40
"""Characters that a column of words takes before it wraps."""


def show_scores(console: Console, scores: SuiteScores) -> None:
    """Print a table for each kind of items (items with the same metrics), the combined scores, and further tables."""
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
        for table in _words_tables(title, rows, console.width):
            console.print(table)


def _scores_table(title: str, rows: Mapping[str, Mapping[str, float]], names: Sequence[str], combined: bool) -> Table:
    """A table with a row per item; the last row is bold where it is the combined score."""
    table = Table(title=title, header_style="bold")
    table.add_column("item", no_wrap=True)
    for name in names:
        table.add_column(name, justify="right")
    for number, (item, row) in enumerate(rows.items(), start=1):
        style = "bold" if combined and number == len(rows) else None
        table.add_row(Text(item), *(_number(row.get(name)) for name in names), style=style)
    return table


def _combined_list(scores: SuiteScores) -> Table:
    """A table with a row per metric of the combined scores."""
    table = Table(title=f"{scores.suite} combined", header_style="bold")
    table.add_column("metric")
    table.add_column("value", justify="right")
    for name, value in scores.combined.items():
        table.add_row(name, _number(value))
    return table


def _words_tables(title: str, rows: Sequence[TableRow], width: int) -> list[Table]:
    """Tables of `rows` with a column per key, the first in each; together they show all keys, and fit `width`."""
    first, *names = dict.fromkeys(name for row in rows for name in row)
    room = width - 1 - _column_width(first, rows)  # the left edge
    parts: list[list[str]] = [[]]
    for name in names:
        if parts[-1] and sum(_column_width(one, rows) for one in (*parts[-1], name)) > room:
            parts.append([])
        parts[-1].append(name)
    return [_words_table(title, rows, [first, *part]) for part in parts]


def _column_width(name: str, rows: Sequence[TableRow]) -> int:
    """Characters of a column with its border; words longer than MAX_WORDS_WIDTH wrap, and so do headings."""
    longest = max([*(len(_cell_text(row, name)) for row in rows), *map(len, name.split())])
    return min(MAX_WORDS_WIDTH, longest) + BORDER


def _words_table(title: str, rows: Sequence[TableRow], names: Sequence[str]) -> Table:
    table = Table(title=title, header_style="bold")
    for name in names:
        is_number = not any(isinstance(row.get(name), str) for row in rows)
        width = _column_width(name, rows) - BORDER  # given, since rich would rather break cells than headings
        table.add_column(name, justify="right" if is_number else "left", overflow="fold", width=width)
    for row in rows:
        # Text, since rich reads "[peers]" in a string as markup and leaves it out.
        table.add_row(*(Text(_cell_text(row, name)) for name in names))
    return table


def _cell_text(row: TableRow, name: str) -> str:
    value = row.get(name, "")
    return value if isinstance(value, str) else _number(value)


def _kind(items: Sequence[str]) -> str:
    """The common text before the first `/` of all items; "" where they differ."""
    kinds = {item.partition("/")[0] for item in items if "/" in item}
    return kinds.pop() if len(kinds) == 1 and all("/" in item for item in items) else ""


def _side_by_side(names: Sequence[str], width: int) -> list[Sequence[str]]:
    """`names` split into as few parts of similar size as fit `width` characters each; headings may wrap."""
    needed = {name: max([NUMBER_WIDTH, *map(len, name.split())]) + BORDER for name in names}
    for count in range(1, len(names)):
        size = -(-len(names) // count)
        parts = [names[start : start + size] for start in range(0, len(names), size)]
        if all(sum(needed[name] for name in part) <= width for part in parts):
            return parts
    return [[name] for name in names]


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return str(value) if isinstance(value, int) or float(value).is_integer() else f"{value:.4g}"
