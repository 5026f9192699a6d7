"""Helpers for Parquet files that are read in parts: columns with unit and meaning, and metadata of the file.

pyarrow is imported where it is needed, so that importing an artifact class takes no time.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tasks.artifacts.artifact import MAKE_AGAIN
from tasks.errors import SemflowError

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

ROWS_PER_GROUP = 16  # rows that one random read loads of a column: half a second of video, some 0.5 MB of dense flow


def make_field(name: str, kind: pa.DataType, unit: str, meaning: str, nullable: bool = False) -> pa.Field:
    """A column of Arrow type `kind` with its unit and meaning in the metadata."""
    import pyarrow as pa

    return pa.field(name, kind, nullable=nullable, metadata={"unit": unit, "meaning": meaning})


def open_parquet(path: Path, key: bytes, what: str) -> tuple[pq.ParquetFile, bytes]:
    """The memory-mapped file, and the value of `key` in its metadata; SemflowError where the key is missing."""
    import pyarrow.parquet as pq

    file = pq.ParquetFile(path, memory_map=True)
    metadata = file.metadata.metadata or {}
    if key not in metadata:
        raise SemflowError(f"{path.name} must be {what}, got a Parquet file without the metadata of one; {MAKE_AGAIN}")
    return file, metadata[key]
