"""Decoded frames of a video: one row per frame with time, status and encoded image, read a few at a time.

Times are the presentation times of the file (variable frame rates are kept). `frame` is the row; `source_frame` is the
position in the decoder's output, by which a frame of a lower working rate is found in the file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from tasks.arrays import Image, Indices
from tasks.artifacts.artifact import Artifact, StreamingArtifact
from tasks.artifacts.decode_report import DecodeReport
from tasks.artifacts.frames_file import REPORT_KEY, VIDEO_KEY, Frame, copy_frames, write_frames
from tasks.artifacts.image_codec import ImageEncoding, decode_image, decode_reduced_image
from tasks.artifacts.parquet_file import list_group_starts, locate_row, open_parquet, read_column
from tasks.errors import SemflowError

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq


def number_film_frames(source_frame: NDArray[np.int32], status: NDArray[np.object_]) -> NDArray[np.int64]:
    """(t,) number of each row among the images that a decoder returns of the file: lost frames have none."""
    return source_frame.astype(np.int64) - np.cumsum(status == "lost")


@dataclass(frozen=True, eq=False)
class Frames(Artifact):
    """A reader: times and status are in memory, images are read from disk on access."""

    FOLDER: ClassVar[str] = "data/frames"
    SUFFIX: ClassVar[str] = ".parquet"

    file: pq.ParquetFile
    decode_report: DecodeReport
    source_frame: NDArray[np.int32]
    """(t,) position in the decoder's output."""
    pts_s: NDArray[np.float64]
    """(t,) presentation times, seconds, strictly increasing."""
    status: NDArray[np.object_]
    """(t,) 'ok', 'damaged' or 'lost'."""
    video: str = ""
    """Name of the video in the data set; "" outside one, and in files of schema 1."""
    _row_group: dict[int, pa.Array] = field(default_factory=dict[int, "pa.Array"], init=False, repr=False)
    """Encoded images of the row group that was read last, by its number: frames are mostly read in order."""

    def __post_init__(self) -> None:
        back = np.flatnonzero(np.diff(self.pts_s) <= 0)
        if len(back):
            raise SemflowError(
                f"frames.pts_s must increase, got {self.pts_s[back[0]]} then {self.pts_s[back[0] + 1]} "
                f"in row {back[0] + 1}"
            )

    def __len__(self) -> int:
        return len(self.pts_s)

    @property
    def width(self) -> int:
        """Working width in pixels."""
        return self.decode_report.width

    @property
    def height(self) -> int:
        """Working height in pixels."""
        return self.decode_report.height

    @cached_property
    def ok(self) -> NDArray[np.bool_]:
        """(t,) whether the frame was decoded without errors; stages process these alone."""
        return self.status == "ok"

    @cached_property
    def film_frame(self) -> NDArray[np.int64]:
        """(t,) number of each row among the images that a decoder returns of the file: lost frames have none."""
        return number_film_frames(self.source_frame, self.status)

    def image(self, frame: int) -> Image:
        """(h, w, 3) uint8 RGB of row `frame`; SemflowError where it was lost."""
        return decode_image(self._require_encoded(frame), self.decode_report.encoding, self.height, self.width)

    def reduced_image(self, frame: int) -> Image:
        """(ceil(h / 8), ceil(w / 8), 3) RGB of row `frame`, half the time of `image`; SemflowError as there."""
        data = self._require_encoded(frame)
        return decode_reduced_image(data, self.decode_report.encoding, self.height, self.width)

    def _require_encoded(self, frame: int) -> pa.Buffer:
        if not 0 <= frame < len(self):
            raise SemflowError(f"frame must lie in [0, {len(self)}), got {frame}")
        data = self._encoded(frame)
        if data is None:
            raise SemflowError(
                f"frame {frame} of {self.decode_report.file} must have an image, got one that was lost in decoding; "
                "look at `status` first"
            )
        return data

    def images(self, start: int = 0, stop: int | None = None) -> Iterator[tuple[int, Image]]:
        """(frame, image) of the undamaged frames in [start, stop), in order; one row group is in memory at a time."""
        stop = len(self) if stop is None else min(stop, len(self))
        return self._read_images(range(start, stop))

    def batches(self, size: int, among: Iterable[int] | None = None) -> Iterator[tuple[list[int], list[Image]]]:
        """Lists of `size` row numbers and images of undamaged frames (`among` some) in order; the last may be short."""
        numbers: list[int] = []
        images: list[Image] = []
        for frame, image in self._read_images(range(len(self)) if among is None else among):
            numbers.append(frame)
            images.append(image)
            if len(numbers) == size:
                yield numbers, images
                numbers, images = [], []
        if numbers:
            yield numbers, images

    def save(self, path: Path) -> None:
        copy_frames(self.file, self.decode_report, path, self.video)

    @classmethod
    def load(cls, path: Path) -> Self:
        file, report = open_parquet(path, cls, REPORT_KEY, "a frames artifact")
        return cls(
            file=file,
            decode_report=DecodeReport.from_json(report, path.name),
            source_frame=read_column(file, "source_frame"),
            pts_s=read_column(file, "pts_s"),
            status=read_column(file, "status"),
            video=(file.metadata.metadata or {}).get(VIDEO_KEY, b"").decode(),
        )

    @staticmethod
    def stream(
        rows: Iterable[Frame],
        decode_report: Callable[[], DecodeReport],
        encoding: ImageEncoding = "jpeg",
        quality: int = 95,
        *,
        video: str = "",
    ) -> StreamingArtifact[Frames]:
        """Frames of `video` that are written one by one; `decode_report` is called once, after the last row."""
        return StreamingArtifact(Frames, lambda path: write_frames(path, rows, decode_report, encoding, quality, video))

    def _read_images(self, among: Iterable[int]) -> Iterator[tuple[int, Image]]:
        for frame in among:
            if self.ok[frame]:
                yield frame, self.image(frame)

    @cached_property
    def _group_starts(self) -> Indices:
        return list_group_starts(self.file)

    def _encoded(self, frame: int) -> pa.Buffer | None:
        group, row = locate_row(self._group_starts, frame)
        if group not in self._row_group:
            self._row_group.clear()
            self._row_group[group] = self.file.read_row_group(group, columns=["image"]).column("image").combine_chunks()
        return self._row_group[group][row].as_buffer()
