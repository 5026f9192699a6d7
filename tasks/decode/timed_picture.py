"""A decoded frame with its position and time in the video, on its way to a row of the frames artifact."""

from __future__ import annotations

from dataclasses import dataclass

from tasks.decode.frame_decoder import DecodedPicture
from tasks.decode.frame_transform import FrameTransform


@dataclass(frozen=True)
class TimedPicture:
    """A decoded frame with its position and time in the video."""

    source_frame: int
    pts_s: float
    picture: DecodedPicture
    transform: FrameTransform | None
    """Its transform to the stored image; None until a frame was decoded."""
