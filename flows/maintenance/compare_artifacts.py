"""Compare two artifact files of one item: equal, equal within a tolerance of their numbers, or different.

Numbers are compared by column (Parquet) or array (NPY, NPZ): the largest absolute difference, and the same relative to
the largest magnitude in that column. Everything else (text, images, integers such as classes) must be equal. Large
files are read a row group or a block at a time.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from flows.engine.copy_file import have_same_bytes

Similarity = Literal["equal", "near", "different"]
ROWS, BLOCK = 256, 1 << 24
"""Rows of an NPY file, and values of an array, that are compared at a time."""


class Difference(NamedTuple):
    """The difference between two files."""

    verdict: Similarity
    absolute: float = 0.0
    """Largest difference of two numbers."""
    relative: float = 0.0
    """The same, relative to the largest magnitude in its column."""
    words: str = ""
    """The column with the largest difference, or a description of what differs."""

    def merge_with(self, other: Difference) -> Difference:
        """The combination of two differences: the worse result, and the largest numbers."""
        order: tuple[Similarity, ...] = ("equal", "near", "different")
        first = max(self, other, key=lambda found: (order.index(found.verdict), found.relative))
        return first._replace(absolute=max(self.absolute, other.absolute), relative=max(self.relative, other.relative))


EQUAL = Difference("equal")


class ColumnDifference(NamedTuple):
    """The difference between two blocks of one column."""

    name: str
    gap: float = 0.0
    """Largest difference of two numbers."""
    largest: float = 0.0
    """Largest magnitude."""
    words: str = ""
    """Description of a difference that is not numeric; "" for none."""


def compare_files(before: Path, after: Path, tolerance: float) -> Difference:
    """The difference of the file `after` from `before`; `tolerance` is relative."""
    if have_same_bytes(before, after):
        return EQUAL
    compare = {".parquet": _compare_parquet, ".npy": _compare_npy, ".npz": _compare_npz}.get(before.suffix)
    if compare is None:
        return Difference("different", words=f"{before.suffix or 'other'} bytes differ")
    try:
        found = combine_differences(compare(before, after), tolerance)
    except (OSError, ValueError) as error:
        return Difference("different", words=f"cannot be read: {error}")
    return found if found.verdict != "equal" else Difference("near", words="bytes differ, no number does")


def combine_differences(parts: Iterable[ColumnDifference], tolerance: float) -> Difference:
    """The difference of a whole file from those of its columns, relative to the largest magnitude of each column."""
    gaps: defaultdict[str, float] = defaultdict(float)
    largest: defaultdict[str, float] = defaultdict(float)
    found = EQUAL
    for part in parts:
        if part.words:
            found = found.merge_with(Difference("different", words=part.words))
        gaps[part.name] = max(gaps[part.name], part.gap)
        largest[part.name] = max(largest[part.name], part.largest)
    for name, gap in gaps.items():
        if gap:
            relative = gap / largest[name] if largest[name] else float("inf")
            found = found.merge_with(Difference("near" if relative <= tolerance else "different", gap, relative, name))
    return found


def compare_arrays(one: NDArray[Any], other: NDArray[Any], name: str) -> Iterator[ColumnDifference]:
    """Differences between two arrays of any type, block by block."""
    if one.shape != other.shape or one.dtype != other.dtype:
        yield ColumnDifference(name, words=f"{name}: {one.dtype} {one.shape} -> {other.dtype} {other.shape}")
    elif not np.issubdtype(one.dtype, np.inexact):
        if count := int(np.count_nonzero(one != other)):
            yield ColumnDifference(name, words=f"{name}: {count:,} of {one.size:,} values differ")
    else:
        flat, flat_other = one.reshape(-1), other.reshape(-1)
        for start in range(0, flat.size, BLOCK):
            a, b = (part[start : start + BLOCK].astype(np.float64) for part in (flat, flat_other))
            yield _compare_numbers(a, b, name)


def _compare_numbers(one: NDArray[np.float64], other: NDArray[np.float64], name: str) -> ColumnDifference:
    unknown = np.isnan(one)
    if not np.array_equal(unknown, np.isnan(other)):
        return ColumnDifference(name, words=f"{name}: unknown values (NaN) differ")
    one, other = one[~unknown], other[~unknown]
    with np.errstate(invalid="ignore"):
        apart = np.where(one == other, 0.0, np.abs(one - other))  # infinities may be equal
    finite = np.abs(one[np.isfinite(one)])
    return ColumnDifference(name, float(apart.max(initial=0.0)), float(finite.max(initial=0.0)))


def _compare_npy(before: Path, after: Path) -> Iterator[ColumnDifference]:
    one, other = (np.load(path, mmap_mode="r") for path in (before, after))
    if one.shape != other.shape or one.dtype != other.dtype or not one.ndim:
        yield from compare_arrays(np.asarray(one), np.asarray(other), "array")
        return
    for start in range(0, len(one), ROWS):
        part = slice(start, start + ROWS)
        yield from compare_arrays(np.asarray(one[part]), np.asarray(other[part]), "array")
    if _tail(before, one) != _tail(after, other):
        yield ColumnDifference("facts", words="facts behind the array differ")


def _tail(path: Path, array: Any) -> bytes:
    """The bytes after the array (metadata)."""
    with path.open("rb") as file:
        file.seek(int(getattr(array, "offset", 0)) + array.nbytes)
        return file.read()


def _compare_npz(before: Path, after: Path) -> Iterator[ColumnDifference]:
    with np.load(before, allow_pickle=False) as one, np.load(after, allow_pickle=False) as other:
        if set(one.files) != set(other.files):
            yield ColumnDifference("", words="arrays are others")
            return
        for name in one.files:
            yield from compare_arrays(one[name], other[name], name)


def _compare_parquet(before: Path, after: Path) -> Iterator[ColumnDifference]:
    import pyarrow.parquet as pq

    one, other = pq.ParquetFile(before), pq.ParquetFile(after)
    with one, other:
        if not one.schema_arrow.equals(other.schema_arrow, check_metadata=True):
            yield ColumnDifference("", words="columns or their facts are others")
            return
        rows, rows_other = one.metadata.num_rows, other.metadata.num_rows
        if rows != rows_other:
            yield ColumnDifference("", words=f"{rows:,} rows -> {rows_other:,}")
            return
        for name, a, b in _columns(one, other):
            yield from _compare_column(a, b, name)


def _columns(one: Any, other: Any) -> Iterator[tuple[str, Any, Any]]:
    """(name, column, column), by row group where both are cut alike."""
    groups = [[file.metadata.row_group(n).num_rows for n in range(file.num_row_groups)] for file in (one, other)]
    alike = groups[0] == groups[1]
    for name in one.schema_arrow.names:
        for n in range(len(groups[0])) if alike else (None,):
            tables = [file.read([name]) if n is None else file.read_row_group(n, [name]) for file in (one, other)]
            yield name, *(table.column(0).combine_chunks() for table in tables)


def _compare_column(one: Any, other: Any, name: str) -> Iterator[ColumnDifference]:
    import pyarrow as pa

    while pa.types.is_list(one.type) or pa.types.is_large_list(one.type) or pa.types.is_fixed_size_list(one.type):
        if not one.value_lengths().equals(other.value_lengths()):
            yield ColumnDifference(name, words=f"{name}: lists are of other lengths")
            return
        one, other = one.flatten(), other.flatten()
    if not pa.types.is_floating(one.type):
        if not one.equals(other):
            yield ColumnDifference(name, words=f"{name}: values differ")
    elif not one.is_null().equals(other.is_null()):
        yield ColumnDifference(name, words=f"{name}: missing values differ")
    else:
        arrays = [array.to_numpy(zero_copy_only=False) for array in (one, other)]
        yield from compare_arrays(arrays[0], arrays[1], name)
