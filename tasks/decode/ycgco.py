"""RGB of frames in YCgCo, which libswscale does not convert (ITU-T H.273, matrix 8; x264's colormatrix=YCgCo)."""

from __future__ import annotations

import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Interpolation, VideoReformatter

from tasks.arrays import Image

MATRIX_YCGCO = 8  # ITU-T H.273 table 4
UNSPECIFIED = 2
FULL, ZERO_CHROMA = 255.0, 128.0  # 8-bit codes
LUMA_FOOT, LUMA_SPAN, CHROMA_SPAN = 16.0, 219.0, 224.0  # of limited range, 8-bit codes


def convert_ycgco(
    picture: VideoFrame, width: int, height: int, interpolation: Interpolation, reformatter: VideoReformatter
) -> Image:
    """(height, width, 3) uint8 RGB; the picture's tag of its matrix is taken off, so that it is only scaled."""
    limited = picture.color_range != ColorRange.JPEG
    picture.colorspace = UNSPECIFIED
    scaled = reformatter.reformat(picture, width, height, "yuv444p", interpolation=interpolation, threads=1)
    luma, green, orange = scaled.to_ndarray().astype(np.float32)
    if limited:
        luma = (luma - LUMA_FOOT) * np.float32(FULL / LUMA_SPAN)
    gain = np.float32(FULL / CHROMA_SPAN if limited else 1.0)
    green, orange = (green - ZERO_CHROMA) * gain, (orange - ZERO_CHROMA) * gain
    rgb = np.stack([luma - green + orange, luma + green, luma - green - orange], axis=-1)
    return np.clip(np.rint(rgb), 0, FULL).astype(np.uint8)
