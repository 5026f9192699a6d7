"""NPY files with metadata: an ordinary array, which `np.load` opens, followed by metadata as JSON.

The length of the JSON text and a marker are the last bytes; NumPy reads no further than the array.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.artifacts.artifact import MAKE_AGAIN, SCHEMA_VERSION, Artifact, check_schema
from tasks.errors import SemflowError

LENGTH_BYTES = 8
END = b"semflow facts\n"


def write_npy(  # noqa: PLR0917  what a file holds
    path: Path,
    kind: type[Artifact],
    rows: Iterable[NDArray[Any]],
    shape: tuple[int, ...],
    metadata: dict[str, Any],
    dtype: type[np.generic] = np.float16,
) -> None:
    """Write `shape[0]` rows of `dtype` one by one, then `metadata`, which may be filled while rows are generated.

    Dataclasses among the metadata are written as objects.
    """
    stored = np.dtype(dtype).newbyteorder("<")
    written = 0
    with path.open("wb") as file:
        header = {"descr": stored.str, "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(file, header)
        for row in rows:
            if row.shape != shape[1:]:
                raise SemflowError(f"a row of {path.name} must have shape {shape[1:]}, got {row.shape}")
            file.write(np.ascontiguousarray(row, stored).tobytes())
            written += 1
        identity = {"artifact": kind.artifact_name(), "schema_version": SCHEMA_VERSION}
        # Piece by piece, as a long film's metadata would take several times their bytes.
        texts = json.JSONEncoder(sort_keys=True, default=asdict).iterencode({**identity, **metadata})
        length = sum(file.write(text.encode()) for text in texts)
        file.write(length.to_bytes(LENGTH_BYTES, "little") + END)
    if written != shape[0]:
        raise SemflowError(f"{path.name} must get {shape[0]} rows, got {written}")


def read_npy(path: Path, kind: type[Artifact]) -> tuple[NDArray[Any], dict[str, Any]]:
    """The memory-mapped array and its metadata; SemflowError where the file has none, or holds no `kind`."""
    with path.open("rb") as file:
        size = file.seek(0, 2)
        tail = LENGTH_BYTES + len(END)
        file.seek(max(0, size - tail))
        length, end = file.read(LENGTH_BYTES), file.read()
        if end != END:
            raise SemflowError(f"{path.name} must hold an array with metadata behind it, got none; {MAKE_AGAIN}")
        text_length = int.from_bytes(length, "little")
        file.seek(size - tail - text_length)
        metadata: dict[str, Any] = json.loads(file.read(text_length))
    version = metadata.pop("schema_version", None)
    check_schema(kind, metadata.pop("artifact", None), None if version is None else str(version), path.name)
    try:
        return np.load(path, mmap_mode="r"), metadata
    except ValueError:  # an empty array cannot be memory-mapped
        return np.load(path), metadata
