"""The decode report of a video: properties of the input file, and how many of its frames were decoded."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, fields
from typing import Any, Self, cast

from tasks.artifacts.artifact import MAKE_AGAIN
from tasks.artifacts.image_codec import ImageEncoding
from tasks.errors import SemflowError


@dataclass(frozen=True)
class DecodeReport:
    """Input file, decoded frames and stored frames of one video."""

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
    """Variable frame rate: whether the spacing of timestamps varies by more than the container's rounding."""
    duration_s: float
    """Presentation time from the first frame to the end of the last one, seconds."""
    expected: int
    """Frames in the file by the container's index, or by its packets where it has none: decoded and lost ones."""
    decoded: int
    """Frames that the decoder returned, damaged ones included."""
    damaged: int
    """Frames that were decoded with errors."""
    lost: int
    """Frames that were expected and not decoded."""
    kept: int
    """Rows of the frames artifact: those chosen by the working frame rate, lost ones included."""
    width: int
    """Working width, pixels."""
    height: int
    """Working height, pixels."""
    encoding: ImageEncoding
    """How images are stored."""
    notes: tuple[str, ...] = field(default=())
    """Warnings for the user, in sentences (for example: 'damaged between 3.2 s and 3.9 s')."""

    @classmethod
    def from_json(cls, text: bytes, name: str) -> Self:
        """Parsed report of the file `name`; SemflowError where its fields are not those of this version."""
        values = cast("dict[str, Any]", json.loads(text))
        if set(values) != {f.name for f in fields(cls)}:
            raise SemflowError(
                f"{name} must carry the decode report of this version, got one with {', '.join(sorted(values))}; "
                f"{MAKE_AGAIN}"
            )
        values["notes"] = tuple(values["notes"])
        return cls(**values)
