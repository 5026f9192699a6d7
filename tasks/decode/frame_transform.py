"""Transform of decoded frames to stored images: square pixels, upright, at working size, 8-bit RGB.

libswscale converts colour and scales in one step. Its defaults are fast and wrong by up to two grey levels, with
nearest-neighbour chroma; with the flags below it agrees with a floating-point reference at 58 dB instead of 48
(market_street), and gives the same bytes on every CPU. Colour matrix and range are those that the stream states.
Without a stated matrix, high definition is read as BT.709, as players do, and the rest as BT.601 (FFmpeg reads all of
it as BT.601, which shifts the hues of untagged HD video). HDR is converted at 16 bits and tone-mapped (tone_map.py).
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, TypeVar, cast

import numpy as np
from av.error import FFmpegError
from av.sidedata.sidedata import Type
from av.video.frame import VideoFrame
from av.video.reformatter import Colorspace, ColorTrc, Interpolation, VideoReformatter
from numpy.typing import NDArray

from tasks.arrays import Image
from tasks.decode.container_crop import ContainerCrop
from tasks.decode.orientation import Orientation, read_orientation
from tasks.decode.tone_map import DEFAULT_PEAK_NITS, MAX_NITS, REFERENCE_WHITE_NITS, HdrTransfer, tone_map
from tasks.decode.ycgco import MATRIX_YCGCO, convert_ycgco
from tasks.errors import BadInput

Channel = TypeVar("Channel", np.uint8, np.uint16)
HDR_TRANSFERS: dict[int, HdrTransfer] = {int(ColorTrc.SMPTE2084): "PQ", int(ColorTrc.ARIB_STD_B67): "HLG"}

SCALING_FLAGS = Interpolation.AREA | Interpolation.FULL_CHR_H_INT | Interpolation.ACCURATE_RND | Interpolation.BITEXACT
MATRIX_UNSPECIFIED = 2  # AVCOL_SPC_UNSPECIFIED, ITU-T H.273 table 4
MAX_SD_LINES = 576  # lines of the tallest standard definition; taller frames follow BT.709
MAX_STRETCH = 0.02  # a frame whose shape differs by more from that of the first is not stretched to it
_reformatters = threading.local()


@dataclass(frozen=True)
class FrameTransform:
    """Transform of decoded frames to stored images; fixed by the first frame of a video."""

    width: int
    """Stored width, pixels."""
    height: int
    orientation: Orientation
    scaled: bool
    """Whether frames are resampled; else a last odd row or column is cropped."""
    source_width: int
    """Of most frames, of what is shown of them, pixels, before rotation."""
    source_height: int
    pixel_format: str
    """Of the first frame, FFmpeg's name."""
    hdr: HdrTransfer | None = None
    """Transfer curve of the first frame where that is one of HDR."""
    peak_nits: float = 0.0
    """Peak of HDR content that is tone-mapped, cd/m2; 0: codes are stored as they are."""
    crop: ContainerCrop | None = None
    """The part of frames that is shown; None for all of it."""

    @property
    def coded_size(self) -> tuple[int, int]:
        """Width and height of most frames as they are stored in the file, pixels, before rotation."""
        crop = self.crop
        return (self.source_width, self.source_height) if crop is None else (crop.coded_width, crop.coded_height)

    def render_image(self, picture: VideoFrame) -> Image:
        """(height, width, 3) uint8 RGB."""
        picture = picture if self.crop is None else self.crop.crop(picture)
        sideways = self.orientation.is_sideways
        size = (self.height, self.width) if sideways else (self.width, self.height)
        if not self.scaled and (picture.width - size[0], picture.height - size[1]) in {(0, 0), (0, 1), (1, 0), (1, 1)}:
            size = picture.width, picture.height
        try:
            rgb = self._convert(picture, *size)
        except FFmpegError as error:
            raise BadInput(
                f"pictures must be in a pixel format that converts to RGB, got {self.pixel_format}: {error}"
            ) from error
        if self.orientation.mirrored:
            rgb = rgb[:, ::-1]
        upright = np.rot90(rgb, -self.orientation.turn_deg // 90)
        return np.ascontiguousarray(upright[: self.height, : self.width])

    def _convert(self, picture: VideoFrame, width: int, height: int) -> Image:
        """(height, width, 3) RGB; a frame of another shape than the first is fitted in, with black beside it."""
        aspect = Fraction(picture.width * self.source_height, picture.height * self.source_width)
        if abs(aspect - 1) <= MAX_STRETCH:
            return self._to_rgb(picture, width, height)
        wide, high = (width, round(height / aspect)) if aspect > 1 else (round(width * aspect), height)
        inner = self._to_rgb(picture, max(1, wide), max(1, high))
        canvas = np.zeros((height, width, 3), np.uint8)
        top, left = (height - inner.shape[0]) // 2, (width - inner.shape[1]) // 2
        canvas[top : top + inner.shape[0], left : left + inner.shape[1]] = inner
        return canvas

    def with_tone_map(self, first: VideoFrame) -> FrameTransform:
        """This transform, with tone mapping from the peak that `first` states, where it is HDR."""
        return self if self.hdr is None else replace(self, peak_nits=_read_peak(first))

    def _to_rgb(self, picture: VideoFrame, width: int, height: int) -> Image:
        if picture.colorspace == MATRIX_YCGCO:
            return convert_ycgco(picture, width, height, SCALING_FLAGS, _get_reformatter())
        if self.hdr is None or not self.peak_nits:
            return _convert_to_rgb(picture, width, height)
        return tone_map(_convert_to_rgb(picture, width, height, np.uint16), self.hdr, self.peak_nits)


def make_transform(
    first: VideoFrame,
    pixel_aspect: Fraction,
    max_side: int | None,
    usual_size: tuple[int, int] | None = None,
    crop: ContainerCrop | None = None,
) -> FrameTransform:
    """The transform of a video whose first frame is `first`; `pixel_aspect` is width by height of one pixel.

    `usual_size`: width and height that most frames have, pixels, where it is not that of the first. `crop`: what the
    container asks to show; it counts where it is for frames of the usual size.
    """
    orientation = read_orientation(first)
    source_width, source_height = usual_size or (first.width, first.height)
    crop = crop if crop is not None and crop.holds_for(source_width, source_height) else None
    if crop is not None:
        source_width, source_height = crop.width, crop.height
    width, height, scaled = compute_working_size(
        source_width, source_height, pixel_aspect, orientation.is_sideways, max_side
    )
    return FrameTransform(
        width=width,
        height=height,
        orientation=orientation,
        scaled=scaled,
        source_width=source_width,
        source_height=source_height,
        pixel_format=first.format.name,
        hdr=HDR_TRANSFERS.get(first.color_trc),
        crop=crop,
    )


def compute_working_size(
    width: int, height: int, pixel_aspect: Fraction, turned: bool, max_side: int | None
) -> tuple[int, int, bool]:
    """Stored width and height (even, never enlarged, longer side at most `max_side`), and whether to resample."""
    # Square pixels are made by shrinking the denser direction.
    wide = width * min(pixel_aspect, Fraction(1))
    high = height / max(pixel_aspect, Fraction(1))
    if turned:
        wide, high = high, wide
    scale = min(Fraction(1), Fraction(max_side or max(width, height)) / max(wide, high))
    scaled = scale < 1 or pixel_aspect != 1
    longer, shorter = _floor_to_even(max(wide, high) * scale), _floor_to_even(min(wide, high))
    if scaled:
        shorter = min(longer, shorter, _round_to_even(min(wide, high) * scale))
    return (longer, shorter, scaled) if wide >= high else (shorter, longer, scaled)


def _get_reformatter() -> VideoReformatter:
    """This thread's: it caches the set-up of its last conversion."""
    if not hasattr(_reformatters, "mine"):
        _reformatters.mine = VideoReformatter()
    return cast("VideoReformatter", _reformatters.mine)


def _read_peak(first: VideoFrame) -> float:
    """The brightest light of the content, cd/m2, by its metadata (MaxCLL) where that is plausible."""
    side_data = cast("dict[Type, Any]", first.side_data)
    if Type.CONTENT_LIGHT_LEVEL not in side_data:
        return DEFAULT_PEAK_NITS
    stated = float(np.frombuffer(bytes(side_data[Type.CONTENT_LIGHT_LEVEL]), np.uint32)[0])
    return stated if REFERENCE_WHITE_NITS < stated <= MAX_NITS else DEFAULT_PEAK_NITS


def _convert_to_rgb(picture: VideoFrame, width: int, height: int, dtype: type[Channel] = np.uint8) -> NDArray[Channel]:
    """(height, width, 3) RGB at 8 or 16 bits."""
    untagged_hd = picture.colorspace == MATRIX_UNSPECIFIED and picture.height > MAX_SD_LINES
    converted = _get_reformatter().reformat(
        picture,
        width,
        height,
        # Packed 16-bit colours come out wrong at unchanged size (FFmpeg 8.1 with SWS_AREA), planar ones do not.
        "rgb24" if dtype is np.uint8 else "gbrp16le",
        src_colorspace=Colorspace.ITU709 if untagged_hd else None,
        interpolation=SCALING_FLAGS,
        threads=1,
    )
    return converted.to_ndarray().astype(dtype, copy=False)


def _floor_to_even(length: Fraction) -> int:
    return max(2, int(length) // 2 * 2)


def _round_to_even(length: Fraction) -> int:
    return max(2, round(length / 2) * 2)
