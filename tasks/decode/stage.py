"""decode: a file that claims to be a video becomes frames with their own timestamps and an honest account."""

from __future__ import annotations

from pydantic import Field

from tasks.artifacts.artifact import Streamed
from tasks.artifacts.frames import Frames
from tasks.artifacts.images import Encoding
from tasks.artifacts.raw_video import RawVideo
from tasks.params import Params
from tasks.stage import stage


class DecodeParams(Params):
    """How frames are sampled and stored."""

    max_side: int | None = Field(ge=16)
    """Longer side of the stored image at most, pixels; null keeps the size of the file. Never enlarged."""
    fps: float | None = Field(gt=0)
    """Working rate, frames per second: the real frames nearest to it, with their own times; null keeps every frame."""
    encoding: Encoding
    """jpeg (4:4:4), png or raw; the last two are lossless and take three to six times as much disk."""
    quality: int = Field(ge=1, le=100)
    """JPEG quality at most: an image that would take more than a sixth of its raw size gets less."""


@stage(libraries=("av", "numpy", "opencv-python", "pyarrow"))
def decode(raw: RawVideo, params: DecodeParams) -> Streamed[Frames]:
    """Frames of the main video stream, upright, as they come; BadInput, while writing, where there are none."""
    from tasks.decode.reading import Reading

    reading = Reading(raw.file, params.max_side, params.fps, params.encoding)
    return Frames.stream(reading, reading.account, params.encoding, params.quality)
