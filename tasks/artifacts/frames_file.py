"""How frames lie in Parquet: a row per frame, the account in the file's metadata."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tasks.artifacts.images import JPEG_SHARE, Encoding, encode
from tasks.artifacts.parquet import ROWS_PER_GROUP, described
from tasks.threads import thread_count

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

    from tasks.artifacts.frames import Account, Frame

ACCOUNT_KEY = b"semflow.account"
MOST_ENCODERS = 4  # threads that encode images; more would wait for the decoder


def schema() -> pa.Schema:
    """The columns, with unit and meaning in each field's metadata."""
    import pyarrow as pa

    return pa.schema(
        [
            described("frame", pa.int32(), "index", "row, counted from 0"),
            described("source_frame", pa.int32(), "index", "position in the file's decode output"),
            described("pts_s", pa.float64(), "s", "presentation time"),
            described("status", pa.string(), "", "ok, damaged or lost"),
            described("image", pa.binary(), "bytes", "the image at working size, encoded", nullable=True),
        ]
    )


def write(path: Path, rows: Iterable[Frame], account: Callable[[], Account], encoding: Encoding, quality: int) -> None:
    """Write `rows` as they come, then the account, which is asked for after the last one."""
    encoded = _encoded(rows, encoding, quality)
    first, lowered, lowest = 0, 0, quality
    with _writer(path, encoding) as writer:
        while group := list(islice(encoded, ROWS_PER_GROUP)):
            writer.write_table(_table(first, group))
            below = [used for _, _, used in group if used < quality]
            first, lowered, lowest = first + len(group), lowered + len(below), min(lowest, *below, quality)
        facts = account()
        if lowered:
            note = (
                f"JPEG quality was lowered from {quality} to as little as {lowest} in {lowered} of {first} frames, "
                f"which hold too much detail for one part in {JPEG_SHARE} of their raw size"
            )
            facts = replace(facts, notes=(*facts.notes, note))
        _finish(writer, facts)


def copy(source: pq.ParquetFile, account: Account, path: Path) -> None:
    """Write the row groups of `source` to `path` as they are: images are not encoded again."""
    import pyarrow as pa

    with _writer(path, account.encoding) as writer:
        for group in range(source.num_row_groups):
            # The schema that comes with a file carries its metadata, account and all; ours does not.
            writer.write_table(pa.Table.from_arrays(source.read_row_group(group).columns, schema=schema()))
        _finish(writer, account)


def _encoded(rows: Iterable[Frame], encoding: Encoding, quality: int) -> Iterator[tuple[Frame, bytes | None, int]]:
    """Each row with its bytes and their quality, in order; threads encode a few rows ahead, and no more than that."""
    encoders = min(MOST_ENCODERS, thread_count())
    with ThreadPoolExecutor(encoders) as pool:
        ahead: deque[tuple[Frame, Future[tuple[bytes | None, int]]]] = deque()
        for row in rows:
            ahead.append((row, pool.submit(_bytes_of, row, encoding, quality)))
            if len(ahead) > 2 * encoders:
                done, result = ahead.popleft()
                yield done, *result.result()
        for done, result in ahead:
            yield done, *result.result()


def _bytes_of(row: Frame, encoding: Encoding, quality: int) -> tuple[bytes | None, int]:
    image = row.image() if callable(row.image) else row.image
    return (None, quality) if image is None else encode(image, encoding, quality)


def _table(first: int, rows: list[tuple[Frame, bytes | None, int]]) -> pa.Table:
    import pyarrow as pa

    return pa.Table.from_pydict(
        {
            "frame": range(first, first + len(rows)),
            "source_frame": [row.source_frame for row, _, _ in rows],
            "pts_s": [row.pts_s for row, _, _ in rows],
            "status": [row.status for row, _, _ in rows],
            "image": [data for _, data, _ in rows],
        },
        schema=schema(),
    )


def _writer(path: Path, encoding: Encoding) -> pq.ParquetWriter:
    import pyarrow.parquet as pq

    # pyarrow's signatures say str and bool where a choice per column is documented.
    per_column: dict[str, Any] = {
        # JPEG and PNG are compressed already: a second compression costs time and gains nothing.
        "compression": {"image": "zstd" if encoding == "raw" else "none"},
        "use_dictionary": ["status"],
        "write_statistics": ["frame", "source_frame", "pts_s", "status"],
    }
    return pq.ParquetWriter(path, schema(), version="2.6", **per_column)


def _finish(writer: pq.ParquetWriter, account: Account) -> None:
    writer.add_key_value_metadata({ACCOUNT_KEY: json.dumps(asdict(account), sort_keys=True).encode()})
