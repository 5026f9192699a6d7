"""Parameters of the stage `decode`: the section `decode` of params.yaml."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from tasks.artifacts.image_codec import ImageEncoding
from tasks.params import Params

FACE_WEIGHTS = "centerface"


class DecodeParams(Params):
    """How frames are sampled and stored."""

    max_side: int | None = Field(ge=16)
    """Longer side of the stored image at most, pixels; null keeps the size of the file. Never enlarged."""
    fps: float | None = Field(gt=0)
    """Working rate, frames per second: the real frames nearest to it, with their own times; null keeps every frame."""
    encoding: ImageEncoding
    """jpeg (4:4:4), png or raw; the last two are lossless and take three to six times as much disk."""
    quality: int = Field(ge=1, le=100)
    """JPEG quality at most: an image that would take more than a sixth of its raw size gets less."""
    anonymise: Literal["none", "faces"]
    """faces: faces that are found in a stored image are blurred before it is stored, so that no later stage and no
    report sees them; small, turned or hidden ones can be missed, and raw videos stay as they are. none: as filmed."""
