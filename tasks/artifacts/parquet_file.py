"""What our Parquet files that are read in parts share: columns that say what they hold, and metadata in the metadata.

pyarrow is imported where it is needed, so that importing an artifact's class stays instant.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tasks.artifacts.artifact import MAKE_AGAIN
from tasks.errors import SemflowError

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

ROWS_PER_GROUP = 16  # what a random read touches of one column: half a second of video, some 0.5 MB of dense flow


def make_field(name: str, kind: pa.DataType, unit: str, meaning: str, nullable: bool = False) -> pa.Field:
    """A column of `kind` that carries its unit and meaning."""
    import pyarrow as pa

    return pa.field(name, kind, nullable=nullable, metadata={"unit": unit, "meaning": meaning})


def open_parquet(path: Path, key: bytes, what: str) -> tuple[pq.ParquetFile, bytes]:
    """The file, mapped and not read, and what its metadata has under `key`; SemflowError where that is nothing."""
    import pyarrow.parquet as pq

    file = pq.ParquetFile(path, memory_map=True)
    metadata = file.metadata.metadata or {}
    if key not in metadata:
        raise SemflowError(f"{path.name} must be {what}, got a Parquet file without the metadata of one; {MAKE_AGAIN}")
    return file, metadata[key]
