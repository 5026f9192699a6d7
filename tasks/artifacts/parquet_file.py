"""Helpers for Parquet files that are read in parts: columns with unit and meaning, and metadata of the file.

pyarrow is imported where it is needed, so that importing an artifact class takes no time.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from tasks.arrays import Indices
from tasks.artifacts.artifact import MAKE_AGAIN, SCHEMA_VERSION, Artifact, check_schema
from tasks.errors import SemflowError

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

ARTIFACT_KEY, VERSION_KEY = b"semflow.artifact", b"semflow.schema_version"
"""Keys in the metadata of every Parquet file: the artifact's name, and the version of its schema."""
VIDEO = "video"
"""The first column of every table: the name of the video that the row belongs to."""
ROWS_PER_GROUP = 16  # rows that one random read loads of a column: half a second of video, some 0.5 MB of dense flow

LATER_ROW, ROWS_PER_LATER_GROUP = 16_384, 256
"""From this row on (nine minutes at 30 frames per second) groups have more rows: Parquet describes every group in the
memory of whoever writes or reads the file, 10 to 25 kB each, which in two hours would come to more than all else."""
GROUPS_PER_READ = 64
"""Row groups that are read at a time: pyarrow holds three times the memory where it reads those of an hour at once."""


T = TypeVar("T")


def make_field(name: str, kind: pa.DataType, unit: str, meaning: str, nullable: bool = False) -> pa.Field:
    """A column of Arrow type `kind` with its unit and meaning in the metadata."""
    import pyarrow as pa

    return pa.field(name, kind, nullable=nullable, metadata={"unit": unit, "meaning": meaning})


def make_video_field() -> pa.Field:
    """The column `video`, dictionary-encoded: a name takes its bytes once in a row group."""
    import pyarrow as pa

    return make_field(VIDEO, pa.dictionary(pa.int32(), pa.string()), "", "name of the video")


def make_time_field(name: str = "pts_s", meaning: str = "presentation time of the frame") -> pa.Field:
    """A column of times in seconds; null where frames have no known time."""
    import pyarrow as pa

    return make_field(name, pa.float64(), "s", meaning, nullable=True)


def make_schema(artifact: str, fields: list[pa.Field]) -> pa.Schema:
    """The schema of an artifact: `video`, then `fields`; its metadata name the artifact and the schema's version."""
    import pyarrow as pa

    identity = {ARTIFACT_KEY: artifact.encode(), VERSION_KEY: str(SCHEMA_VERSION).encode()}
    return pa.schema([make_video_field(), *fields], identity)


def check_parquet_schema(kind: type[Artifact], metadata: Mapping[bytes, bytes], name: str) -> None:
    """Raise SemflowError where the metadata of file `name` are those of another artifact or of a later version."""
    artifact, version = (metadata[key].decode() if key in metadata else None for key in (ARTIFACT_KEY, VERSION_KEY))
    check_schema(kind, artifact, version, name)


def open_parquet(path: Path, kind: type[Artifact], key: bytes, what: str) -> tuple[pq.ParquetFile, bytes]:
    """The memory-mapped file, and the value of `key` in its metadata; SemflowError where it is no `kind`."""
    import pyarrow.parquet as pq

    file = pq.ParquetFile(path, memory_map=True)
    metadata = file.metadata.metadata or {}
    check_parquet_schema(kind, metadata, path.name)
    if key not in metadata:
        raise SemflowError(f"{path.name} must be {what}, got a Parquet file without the metadata of one; {MAKE_AGAIN}")
    return file, metadata[key]


def read_columns(file: pq.ParquetFile, names: Sequence[str]) -> pa.Table:
    """The columns `names` of all rows, each in one piece."""
    import pyarrow as pa

    parts = [part.combine_chunks() for part in _iterate_parts(file, names)]
    return pa.concat_tables(parts).combine_chunks() if parts else file.read(list(names))


def read_column(file: pq.ParquetFile, name: str) -> NDArray[Any]:
    """(rows,) the numbers or texts of one column, NaN for a null; beside them a few row groups are in memory."""
    parts = [to_numpy(part.column(name)) for part in _iterate_parts(file, [name])]
    return np.concatenate(parts) if parts else to_numpy(file.read([name]).column(name))


def to_numpy(values: pa.ChunkedArray) -> NDArray[Any]:
    """(rows,) numbers, or texts as objects: equal ones are one, as a text for every row would take 50 bytes each."""
    import pyarrow as pa

    if not pa.types.is_string(values.type):
        return np.asarray(values.to_numpy())
    encoded = values.combine_chunks().dictionary_encode()
    names = np.array([sys.intern(name) for name in encoded.dictionary.to_pylist()], object)
    return names[encoded.indices.to_numpy(zero_copy_only=False)]


def _iterate_parts(file: pq.ParquetFile, names: Sequence[str]) -> Iterator[pa.Table]:
    """The columns `names` of some row groups after others."""
    for start in range(0, file.num_row_groups, GROUPS_PER_READ):
        yield file.read_row_groups(range(start, min(start + GROUPS_PER_READ, file.num_row_groups)), list(names))


def split_into_groups(rows: Iterable[T]) -> Iterator[list[T]]:
    """The rows of each row group of a film's file, in order."""
    left, done = iter(rows), 0
    while group := list(islice(left, ROWS_PER_GROUP if done < LATER_ROW else ROWS_PER_LATER_GROUP)):
        yield group
        done += len(group)


def list_group_starts(file: pq.ParquetFile) -> Indices:
    """(groups,) the first row of each row group, as the file says: groups were all alike in earlier versions."""
    counts = [file.metadata.row_group(number).num_rows for number in range(file.num_row_groups)]
    return np.cumsum([0, *counts])[:-1]


def locate_row(starts: Indices, row: int) -> tuple[int, int]:
    """Row group that holds `row`, and the row's place in it."""
    group = int(np.searchsorted(starts, row, side="right")) - 1
    return group, row - int(starts[group])
