"""How two versions of a table differ: rows, classes, flags, and the distribution of every column of numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

COUNTED = ("class_name", "label")
"""Columns of words whose values are counted."""
LEFT_OUT = ("frame", "pts_s", "start_s", "end_s", "window", "rank", "class_id")
"""Columns of numbers whose distribution says nothing."""
MIN_DISTANCE = 0.01
"""Smallest distance of two distributions that is reported."""
DIGITS = 4
BINS = 24
"""Bins of the histograms that are shown."""
SPAN_QUANTILES = (0.005, 0.995)
"""Share of both versions' values below which the histograms begin and end: values beyond count in the last bins."""


@dataclass(frozen=True)
class ColumnChange:
    """Two distributions of a column of numbers."""

    name: str
    median: tuple[float, float]
    """Before and after."""
    distance: float
    """Largest difference of the two cumulative distributions, 0..1 (the statistic of Kolmogorov and Smirnov)."""
    span: tuple[float, float]
    """Where the histograms begin and end, in the unit of the column."""
    histograms: tuple[tuple[float, ...], tuple[float, ...]]
    """Share of the values in each bin, before and after."""


@dataclass(frozen=True)
class TableChange:
    """How a table of one video differs."""

    artifact: str
    rows: tuple[int, int]
    """Before and after."""
    classes: Mapping[str, tuple[int, int]]
    """Class or label to its rows before and after, of those that differ."""
    columns: tuple[ColumnChange, ...]
    """Columns whose distribution differs, the most different first."""
    flags: Mapping[str, tuple[int, int]]
    """Column of yes or no to its rows with yes before and after, of those that differ."""

    @property
    def counts(self) -> dict[str, tuple[int, int]]:
        """Classes, labels and flags with their rows, as they are shown."""
        return {**self.classes, **{f"{name}: yes": pair for name, pair in self.flags.items()}}

    @property
    def changed_share(self) -> float:
        """The largest of: share of rows that came or went, distance of two distributions, change of a flag's share."""
        most = max(self.rows)
        share = abs(self.rows[1] - self.rows[0]) / most if most else 0.0
        before, after = (max(rows, 1) for rows in self.rows)
        flags = (abs(yes[1] / after - yes[0] / before) for yes in self.flags.values())
        return max([share, *(column.distance for column in self.columns), *flags])


def compare_tables(artifact: str, before: Path, after: Path) -> TableChange:
    """The difference of two files of one artifact; columns of images and encoded fields are not read."""
    numbers, words, rows = _read_table(before)
    numbers_after, words_after, rows_after = _read_table(after)
    flags = _pair_counts(_count_flags(before), _count_flags(after))
    columns = [
        _compare_columns(name, numbers[name], numbers_after[name])
        for name in numbers
        if name in numbers_after and len(numbers[name]) and len(numbers_after[name])
    ]
    found = sorted((one for one in columns if one.distance >= MIN_DISTANCE), key=lambda one: (-one.distance, one.name))
    return TableChange(artifact, (rows, rows_after), _pair_counts(words, words_after), tuple(found), flags)


def _pair_counts(before: Mapping[str, int], after: Mapping[str, int]) -> dict[str, tuple[int, int]]:
    """Name to both counts, of those that differ."""
    pairs = {name: (before.get(name, 0), after.get(name, 0)) for name in sorted(before.keys() | after.keys())}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def _count_flags(path: Path) -> dict[str, int]:
    """Column of yes or no to its number of rows with yes."""
    import pyarrow.parquet as pq
    from pyarrow import types

    with pq.ParquetFile(path) as file:
        names = [field.name for field in file.schema_arrow if types.is_boolean(field.type)]
        table = file.read(names, use_threads=False)
    return {name: table.column(name).to_pylist().count(True) for name in names}


def _read_table(path: Path) -> tuple[dict[str, NDArray[Any]], dict[str, int], int]:
    """Columns of numbers without missing values, word to its rows, and the number of rows."""
    import pyarrow.parquet as pq
    from pyarrow import types

    with pq.ParquetFile(path) as file:
        schema = file.schema_arrow
        plain = [field.name for field in schema if types.is_floating(field.type) and field.name not in LEFT_OUT]
        counted = [name for name in COUNTED if name in schema.names]
        table = file.read([*plain, *counted], use_threads=False)
        rows = file.metadata.num_rows
    numbers: dict[str, NDArray[Any]] = {}
    for name in plain:
        values = table.column(name).to_numpy().astype(np.float64)
        numbers[name] = values[np.isfinite(values)]
    words: dict[str, int] = {}
    for name in counted:
        for word, count in Counter(table.column(name).to_pylist()).items():
            words[str(word)] = words.get(str(word), 0) + count
    return numbers, words, rows


def _compare_columns(name: str, before: NDArray[Any], after: NDArray[Any]) -> ColumnChange:
    one, other = np.sort(before), np.sort(after)
    values = np.concatenate([one, other])
    shares = [np.searchsorted(column, values, "right") / len(column) for column in (one, other)]
    medians = (round(float(np.median(one)), DIGITS), round(float(np.median(other)), DIGITS))
    low, high = (float(end) for end in np.quantile(values, SPAN_QUANTILES))
    edges = np.linspace(low, high if high > low else low + 1, BINS + 1)
    histograms = [
        tuple(np.round(np.histogram(np.clip(column, *edges[[0, -1]]), edges)[0] / len(column), DIGITS).tolist())
        for column in (one, other)
    ]
    distance = round(float(np.abs(shares[0] - shares[1]).max()), DIGITS)
    span = round(float(edges[0]), DIGITS), round(float(edges[-1]), DIGITS)
    return ColumnChange(name, medians, distance, span, (histograms[0], histograms[1]))
