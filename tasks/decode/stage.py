"""decode: a video file becomes frames with their own timestamps and a decode report."""

from __future__ import annotations

from tasks.artifacts.artifact import StreamingArtifact
from tasks.artifacts.frames import Frames
from tasks.artifacts.raw_video import RawVideo
from tasks.decode.params import FACE_WEIGHTS, DecodeParams
from tasks.stage import stage


@stage(
    libraries=("av", "numpy", "onnx", "onnxruntime", "opencv-python", "pyarrow"),
    weights=lambda params: (FACE_WEIGHTS,) if params.anonymise == "faces" else (),
    kernels=("onnxruntime",),
    kernels_for=lambda params: ("onnxruntime",) if params.anonymise == "faces" else (),
)
def decode(raw: RawVideo, params: DecodeParams) -> StreamingArtifact[Frames]:
    """Frames of the main video stream, upright; BadInput, while writing, where no frame can be decoded."""
    from tasks.decode.anonymise_faces import make_face_anonymiser
    from tasks.decode.frame_reader import FrameReader

    change = make_face_anonymiser() if params.anonymise == "faces" else None
    reading = FrameReader(
        raw.file,
        params.max_side,
        params.fps,
        params.encoding,
        change,
        deinterlace=params.deinterlace == "auto",
        tone_map=params.tone_map == "auto",
    )
    return Frames.stream(reading, reading.decode_report, params.encoding, params.quality, video=raw.video)
