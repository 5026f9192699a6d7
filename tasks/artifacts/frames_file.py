"""Writing frames to Parquet: one row per frame, the decode report in the file's metadata.

Images are encoded in a few threads ahead of the writer; a group of rows is in memory at a time.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from tasks.arrays import Image
from tasks.artifacts.decode_report import DecodeReport
from tasks.artifacts.image_codec import MAX_JPEG_SHARE, ImageEncoding, encode_image
from tasks.artifacts.parquet_file import VIDEO, make_field, make_schema, split_into_groups
from tasks.threads import count_threads

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

REPORT_KEY = b"semflow.account"
VIDEO_KEY = b"semflow.video"
MAX_ENCODER_THREADS = 4  # threads that encode images; more would wait for the decoder
FrameStatus = Literal["ok", "damaged", "lost"]
"""ok: decoded without errors. damaged: decoded, but errors were reported. lost: not decoded; there is no image."""


@dataclass(frozen=True)
class Frame:
    """One row to be written."""

    source_frame: int
    """Position in the decoder's output (lost frames counted)."""
    pts_s: float
    """Presentation time, seconds."""
    status: FrameStatus
    image: Image | Callable[[], Image] | None
    """(h, w, 3) uint8 RGB at working size, or a function that makes it in the encoding thread; None where lost."""


def frames_schema() -> pa.Schema:
    """The columns, with unit and meaning in each field's metadata."""
    import pyarrow as pa

    return make_schema(
        "frames",
        [
            make_field("frame", pa.int32(), "index", "row, counted from 0"),
            make_field("source_frame", pa.int32(), "index", "position in the file's decode output"),
            make_field("pts_s", pa.float64(), "s", "presentation time"),
            make_field("status", pa.string(), "", "ok, damaged or lost"),
            make_field("image", pa.binary(), "bytes", "the image at working size, encoded", nullable=True),
        ],
    )


def write_frames(  # noqa: PLR0917  the arguments of Frames.stream
    path: Path,
    rows: Iterable[Frame],
    decode_report: Callable[[], DecodeReport],
    encoding: ImageEncoding,
    quality: int,
    video: str,
) -> None:
    """Write `rows` one by one, then the decode report, which is asked for after the last row."""
    encoded = _encode_rows(rows, encoding, quality)
    first, lowered, lowest = 0, 0, quality
    with _open_writer(path, encoding) as writer:
        for group in split_into_groups(encoded):
            writer.write_table(_make_table(first, group, video))
            below = [used for _, _, used in group if used < quality]
            first, lowered, lowest = first + len(group), lowered + len(below), min(lowest, *below, quality)
        report = decode_report()
        if lowered:
            note = (
                f"JPEG quality was lowered from {quality} to as little as {lowest} in {lowered} of {first} frames, "
                f"which hold too much detail for one part in {MAX_JPEG_SHARE} of their raw size"
            )
            report = replace(report, notes=(*report.notes, note))
        _write_report(writer, report, video)


def copy_frames(source: pq.ParquetFile, report: DecodeReport, path: Path, video: str) -> None:
    """Copy the row groups of `source` to `path`; images are not encoded again."""
    import pyarrow as pa

    with _open_writer(path, report.encoding) as writer:
        for group in range(source.num_row_groups):
            rows = source.read_row_group(group)
            names = pa.array([video] * len(rows), frames_schema().field(VIDEO).type)
            columns = [names, *(rows.column(name) for name in frames_schema().names[1:])]
            # The schema that comes with a file carries its metadata, the report among it; ours does not.
            writer.write_table(pa.Table.from_arrays(columns, schema=frames_schema()))
        _write_report(writer, report, video)


def _encode_rows(
    rows: Iterable[Frame], encoding: ImageEncoding, quality: int
) -> Iterator[tuple[Frame, bytes | None, int]]:
    """Each row with its encoded bytes and JPEG quality, in order; threads encode at most a few rows ahead."""
    encoders = min(MAX_ENCODER_THREADS, count_threads())
    with ThreadPoolExecutor(encoders) as pool:
        ahead: deque[tuple[Frame, Future[tuple[bytes | None, int]]]] = deque()
        for row in rows:
            ahead.append((row, pool.submit(_encode_row, row, encoding, quality)))
            if len(ahead) > 2 * encoders:
                done, result = ahead.popleft()
                yield done, *result.result()
        for done, result in ahead:
            yield done, *result.result()


def _encode_row(row: Frame, encoding: ImageEncoding, quality: int) -> tuple[bytes | None, int]:
    image = row.image() if callable(row.image) else row.image
    return (None, quality) if image is None else encode_image(image, encoding, quality)


def _make_table(first: int, rows: list[tuple[Frame, bytes | None, int]], video: str) -> pa.Table:
    import pyarrow as pa

    return pa.Table.from_pydict(
        {
            VIDEO: [video] * len(rows),
            "frame": range(first, first + len(rows)),
            "source_frame": [row.source_frame for row, _, _ in rows],
            "pts_s": [row.pts_s for row, _, _ in rows],
            "status": [row.status for row, _, _ in rows],
            "image": [data for _, data, _ in rows],
        },
        schema=frames_schema(),
    )


def _open_writer(path: Path, encoding: ImageEncoding) -> pq.ParquetWriter:
    import pyarrow.parquet as pq

    # pyarrow's signatures say str and bool where a choice per column is documented.
    per_column: dict[str, Any] = {
        # JPEG and PNG are compressed already: a second compression costs time and gains nothing.
        "compression": {"image": "zstd" if encoding == "raw" else "none"},
        "use_dictionary": [VIDEO, "status"],
        "write_statistics": [VIDEO, "frame", "source_frame", "pts_s", "status"],
    }
    return pq.ParquetWriter(path, frames_schema(), version="2.6", **per_column)


def _write_report(writer: pq.ParquetWriter, report: DecodeReport, video: str) -> None:
    text = json.dumps(asdict(report), sort_keys=True).encode()
    writer.add_key_value_metadata({REPORT_KEY: text, VIDEO_KEY: video.encode()})
