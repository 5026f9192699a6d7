"""Helpers for Parquet files that are read in parts: columns with unit and meaning, and metadata of the file.

pyarrow is imported where it is needed, so that importing an artifact class takes no time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

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

GROUPS_PER_READ = 64
"""Row groups that are read at a time: pyarrow holds three times the memory where it reads those of an hour at once."""


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

    starts = range(0, file.num_row_groups, GROUPS_PER_READ)
    stops = (min(start + GROUPS_PER_READ, file.num_row_groups) for start in starts)
    parts = [
        file.read_row_groups(range(start, stop), list(names)).combine_chunks()
        for start, stop in zip(starts, stops, strict=True)
    ]
    return pa.concat_tables(parts).combine_chunks() if parts else file.read(list(names))
