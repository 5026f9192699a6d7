"""The decoded video: a row per frame, images encoded, read back a few at a time.

Times are the file's own presentation times (VFR stays VFR). `frame` is the row; `source_frame` is the position in the
file's decode output, so that a lower working rate can be traced back.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self, cast

import numpy as np
from numpy.typing import NDArray

from tasks.arrays import Image
from tasks.artifacts.artifact import MAKE_AGAIN, Artifact, Streamed
from tasks.artifacts.frames_file import ACCOUNT_KEY, copy, write
from tasks.artifacts.images import Encoding, decode
from tasks.artifacts.parquet import ROWS_PER_GROUP, open_parquet
from tasks.errors import SemflowError

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

Status = Literal["ok", "damaged", "lost"]
"""ok: decoded clean. damaged: decoded, but the decoder reported errors. lost: nothing came out; no image."""


@dataclass(frozen=True)
class Account:
    """What came in and what became of it; one per video."""

    file: str
    """Name of the file in data/raw."""
    container: str
    """Container format, FFmpeg's name."""
    codec: str
    """Video codec, FFmpeg's name."""
    pixel_format: str
    """Pixel format in the file, FFmpeg's name (yuv420p, yuv420p10le, ...)."""
    source_width: int
    """Coded width in pixels, before rotation."""
    source_height: int
    """Coded height in pixels, before rotation."""
    rotation_deg: int
    """Display rotation that was applied, degrees clockwise: 0, 90, 180 or 270."""
    fps: float
    """Average frame rate of the file, frames per second."""
    vfr: bool
    """Whether the spacing of timestamps varies by more than the container's rounding."""
    duration_s: float
    """Presentation time from the first frame to the end of the last one, seconds."""
    expected: int
    """Frames that should have come: by the container's index, or its packets where it has none; decoded and lost."""
    decoded: int
    """Frames that came out of the decoder, damaged ones among them."""
    damaged: int
    """Frames that came out with errors."""
    lost: int
    """Frames that were expected and did not come out."""
    kept: int
    """Rows of this artifact: those chosen by the working frame rate, lost ones among them."""
    width: int
    """Working width, pixels."""
    height: int
    """Working height, pixels."""
    encoding: Encoding
    """How images are stored."""
    notes: tuple[str, ...] = field(default=())
    """What a person should know, in sentences (for example: 'damaged between 3.2 s and 3.9 s')."""

    @classmethod
    def from_json(cls, text: bytes, name: str) -> Self:
        """The account that travels in the metadata of the file `name`."""
        values = cast("dict[str, Any]", json.loads(text))
        if set(values) != {f.name for f in fields(cls)}:
            raise SemflowError(
                f"{name} must carry the account of this version, got one with {', '.join(sorted(values))}; {MAKE_AGAIN}"
            )
        values["notes"] = tuple(values["notes"])
        return cls(**values)


@dataclass(frozen=True)
class Frame:
    """One row on its way into the artifact."""

    source_frame: int
    """Position in the decode output of the file (lost frames counted)."""
    pts_s: float
    """Presentation time, seconds."""
    status: Status
    image: Image | Callable[[], Image] | None
    """(h, w, 3) uint8 RGB at working size, or how to make it (called in the thread that encodes); None where lost."""


@dataclass(frozen=True, eq=False)
class Frames(Artifact):
    """A reader: times and status at hand, images from disk when asked for."""

    FOLDER: ClassVar[str] = "data/frames"
    SUFFIX: ClassVar[str] = ".parquet"

    file: pq.ParquetFile
    account: Account
    source_frame: NDArray[np.int32]
    """(t,) position in the file's decode output."""
    pts_s: NDArray[np.float64]
    """(t,) presentation times, seconds, strictly increasing."""
    status: NDArray[np.object_]
    """(t,) 'ok', 'damaged' or 'lost'."""
    _at_hand: dict[int, pa.Array] = field(default_factory=dict[int, "pa.Array"], init=False, repr=False)
    """Encoded images of the row group that was read last: frames are mostly asked for in order."""

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
        return self.account.width

    @property
    def height(self) -> int:
        """Working height in pixels."""
        return self.account.height

    @cached_property
    def ok(self) -> NDArray[np.bool_]:
        """(t,) where the image is whole: what stages look at."""
        return self.status == "ok"

    def image(self, frame: int) -> Image:
        """(h, w, 3) uint8 RGB of row `frame`; an error where it was lost."""
        if not 0 <= frame < len(self):
            raise SemflowError(f"frame must lie in [0, {len(self)}), got {frame}")
        data = self._encoded(frame)
        if data is None:
            raise SemflowError(
                f"frame {frame} of {self.account.file} was lost in decoding and has no image; look at `status` first"
            )
        return decode(data, self.account.encoding, self.height, self.width)

    def images(self, start: int = 0, stop: int | None = None) -> Iterator[tuple[int, Image]]:
        """(frame, image) of the whole ones in [start, stop), in order, one row group in memory at a time."""
        stop = len(self) if stop is None else min(stop, len(self))
        for frame in range(start, stop):
            if self.ok[frame]:
                yield frame, self.image(frame)

    def batches(self, size: int) -> Iterator[tuple[list[int], list[Image]]]:
        """`images`, `size` at a time; the last batch may be shorter."""
        numbers: list[int] = []
        images: list[Image] = []
        for frame, image in self.images():
            numbers.append(frame)
            images.append(image)
            if len(numbers) == size:
                yield numbers, images
                numbers, images = [], []
        if numbers:
            yield numbers, images

    def save(self, path: Path) -> None:
        copy(self.file, self.account, path)

    @classmethod
    def load(cls, path: Path) -> Self:
        file, account = open_parquet(path, ACCOUNT_KEY, "a frames artifact")
        table = file.read(["source_frame", "pts_s", "status"])
        return cls(
            file=file,
            account=Account.from_json(account, path.name),
            source_frame=table.column("source_frame").to_numpy(),
            pts_s=table.column("pts_s").to_numpy(),
            status=table.column("status").to_numpy(zero_copy_only=False),
        )

    @staticmethod
    def stream(
        rows: Iterable[Frame], account: Callable[[], Account], encoding: Encoding = "jpeg", quality: int = 95
    ) -> Streamed[Frames]:
        """Frames written as they come; `account` is asked once, after the last row."""
        return Streamed(Frames, lambda path: write(path, rows, account, encoding, quality))

    def _encoded(self, frame: int) -> pa.Buffer | None:
        group, row = divmod(frame, ROWS_PER_GROUP)
        if group not in self._at_hand:
            self._at_hand.clear()
            self._at_hand[group] = self.file.read_row_group(group, columns=["image"]).column("image").combine_chunks()
        return self._at_hand[group][row].as_buffer()
