"""decode: a video file becomes frames with their own timestamps and a decode report."""

from __future__ import annotations

from tasks.artifacts.artifact import StreamingArtifact
from tasks.artifacts.frames import Frames
from tasks.artifacts.raw_video import RawVideo
from tasks.decode.params import DecodeParams
from tasks.stage import stage


@stage(libraries=("av", "numpy", "opencv-python", "pyarrow"))
def decode(raw: RawVideo, params: DecodeParams) -> StreamingArtifact[Frames]:
    """Frames of the main video stream, upright; BadInput, while writing, where no frame can be decoded."""
    from tasks.decode.frame_reader import FrameReader

    reading = FrameReader(raw.file, params.max_side, params.fps, params.encoding)
    return Frames.stream(reading, reading.decode_report, params.encoding, params.quality)
