"""Compression of one flow field: quantisation, half resolution, difference coding, zstd.

Measured on three benchmark pairs and three real clips, vectors of 2x2 pixels in steps of 1/32 px take 1 to 3 % of
float32. With DIS, whose finest scale is half size anyway, they move vectors by 0.008 px on average, with RAFT by 0.02
to 0.06 px, nearly all of it at edges. Half-size float16 takes 12 %, half-size int8 6 % and a scale per frame.

- Halving inverts bilinear doubling (pixel centres at integers, cells between four pixels) exactly, so a field that was
  computed at half size and doubled comes back as it was. A plain 2x2 mean would blur it once more.
- Steps are whole numbers in int16: no scale per frame, no clipping below 32767 steps (1,023 px).
- Differences to the left and upper neighbour are small and repeat, which is what zstd lives on; low and high bytes lie
  apart. All of it is exact, so encoding what was decoded gives the same bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tasks.arrays import FlowField, Mask

if TYPE_CHECKING:
    import pyarrow as pa

QuantisedFlow = NDArray[np.int16]

ZSTD_LEVEL = 3  # zstd's default: level 9 takes 5 to 10 % less and six times as long
MAX_STEP = np.iinfo(np.int16).max
# Inverse of doubling by linear interpolation, along one axis: doubling gives 2j as (g[j-1] + 3 g[j]) / 4 and 2j + 1 as
# (3 g[j] + g[j+1]) / 4, from which these four give g[j] back.
HALVING_KERNEL = np.array([-1, 3, 3, -1], np.float32) / 4


@dataclass(frozen=True)
class FlowEncoding:
    """Parameters of the encoding, which are stored in the file."""

    height: int
    """Of the field, in pixels."""
    width: int
    """Of the field, in pixels."""
    grid: int
    """Pixels per stored vector along each axis: 1 or 2."""
    steps_per_px: int
    """Steps of the stored whole numbers in a pixel."""

    @property
    def stored(self) -> tuple[int, int]:
        """Rows and columns of stored vectors."""
        return -(-self.height // self.grid), -(-self.width // self.grid)

    def encode(self, flow: FlowField) -> bytes:
        """Bytes of the (h, w, 2) field."""
        return self.encode_stored(self.to_stored(flow))

    def to_stored(self, flow: FlowField) -> FlowField:
        """(rows, columns, 2) stored vectors of the (h, w, 2) field, in pixels, before they are rounded to steps."""
        return downsample_flow(flow) if self.grid == 2 else flow  # noqa: PLR2004  see FlowEncoding.grid

    def encode_stored(self, cells: FlowField) -> bytes:
        """Bytes of the (rows, columns, 2) vectors that to_stored gives."""
        steps = np.clip(np.rint(cells * np.float32(self.steps_per_px)), -MAX_STEP, MAX_STEP).astype(np.int16)
        return _pack(_differences(steps))

    def decode(self, data: bytes | None) -> FlowField:
        """The (h, w, 2) field encoded in `data`; zeros for None."""
        if data is None:
            return np.zeros((self.height, self.width, 2), np.float32)
        rows, columns = self.stored
        cells = _sums(_unpack(data, rows, columns)).astype(np.float32) / np.float32(self.steps_per_px)
        return upsample_flow(cells, self.height, self.width) if self.grid == 2 else cells  # noqa: PLR2004  see FlowEncoding.grid

    def encode_mask(self, mask: Mask) -> bytes:
        """Bytes of the (h, w) mask, a bit per pixel before zstd."""
        return _zstd().compress(np.packbits(mask).tobytes(), asbytes=True)

    def spread_mask(self, mask: Mask) -> Mask:
        """(h, w) mask of the pixels from a (rows, columns) mask of the stored vectors."""
        every = mask.repeat(self.grid, axis=0).repeat(self.grid, axis=1)
        return every[: self.height, : self.width]

    def decode_mask(self, data: bytes | None) -> Mask:
        """The (h, w) mask encoded in `data`; all False for None."""
        count = self.height * self.width
        if data is None:
            return np.zeros((self.height, self.width), np.bool_)
        raw = _zstd().decompress(data, decompressed_size=-(-count // 8), asbytes=True)
        bits = np.unpackbits(np.frombuffer(raw, np.uint8), count=count)
        return bits.reshape(self.height, self.width).astype(np.bool_)


def downsample_flow(field: FlowField) -> FlowField:
    """(ceil(h / 2), ceil(w / 2), 2) cells from which `upsample_flow` restores the field as closely as possible."""
    import cv2

    from tasks.geometry.warp import take_every

    even = _even_rows(_even_rows(field).swapaxes(0, 1)).swapaxes(0, 1)
    filtered = cv2.sepFilter2D(even, -1, HALVING_KERNEL, HALVING_KERNEL, anchor=(1, 1), borderType=cv2.BORDER_REPLICATE)
    return take_every(filtered.astype(np.float32, copy=False), 2)


def upsample_flow(cells: FlowField, height: int, width: int) -> FlowField:
    """(h, w, 2) field by bilinear interpolation; cell j lies at 2 j + 0.5, between pixels 2 j and 2 j + 1."""
    import cv2

    rows, columns = cells.shape[:2]
    large: Any = cv2.resize(cells, (2 * columns, 2 * rows), interpolation=cv2.INTER_LINEAR)
    return large[:height, :width]


def _even_rows(field: FlowField) -> FlowField:
    """An even number of rows: to an odd one comes the row that `double` would have made next and cut off."""
    if len(field) % 2 == 0:
        return field
    last = field[-1:]
    before = field[-2:-1] if len(field) > 1 else last
    following = 1.5 * last - 0.5 * before  # the border of what was doubled, by its two last rows
    return np.concatenate([field, following.astype(np.float32)])


def _differences(steps: QuantisedFlow) -> QuantisedFlow:
    """Second differences along both axes (left, upper and upper left neighbour)."""
    along = np.diff(steps, axis=1, prepend=np.int16(0))  # wraps around, and _sums wraps back
    return np.diff(along, axis=0, prepend=np.int16(0))


def _sums(differences: QuantisedFlow) -> QuantisedFlow:
    down = np.cumsum(differences, axis=0, dtype=np.int16)
    return np.cumsum(down, axis=1, dtype=np.int16)


def _pack(values: QuantisedFlow) -> bytes:
    """zstd of the zigzag-coded planes x and y, low bytes before high ones."""
    zigzag = ((values << 1) ^ (values >> 15)).view(np.uint16).transpose(2, 0, 1)
    planes = np.stack([zigzag & 0xFF, zigzag >> 8]).astype(np.uint8)
    return _zstd().compress(planes.tobytes(), asbytes=True)


def _unpack(data: bytes, rows: int, columns: int) -> QuantisedFlow:
    raw = _zstd().decompress(data, decompressed_size=rows * columns * 4, asbytes=True)
    low, high = np.frombuffer(raw, np.uint8).reshape(2, 2, rows, columns).astype(np.uint16)
    zigzag = low | (high << 8)
    values = (zigzag >> 1) ^ -(zigzag & 1).astype(np.uint16)
    return values.view(np.int16).transpose(1, 2, 0)


def _zstd() -> pa.Codec:
    import pyarrow as pa

    return pa.Codec("zstd", compression_level=ZSTD_LEVEL)
