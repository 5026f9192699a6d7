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
    deinterlace: Literal["auto", "none"]
    """auto: frames that the file marks as interlaced become progressive ones (bwdif; one frame of each, so the rate
    stays). none: both fields stay in one image, with combs where something moves."""
    tone_map: Literal["auto", "none"]
    """auto: HDR (PQ and HLG) becomes standard range (BT.709) by the curve of ITU-R BT.2390. none: its codes are taken
    for those of standard range and look pale."""
    anonymise: Literal["none", "faces"]
    """faces: faces that are found in a stored image are blurred before it is stored, so that no later stage and no
    report sees them; small, turned or hidden ones can be missed, and raw videos stay as they are. none: as filmed."""
