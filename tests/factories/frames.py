"""Frames artifacts of given images, as `decode` would have written them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tasks.artifacts.decode_report import DecodeReport
from tasks.artifacts.frames import Frames
from tasks.artifacts.frames_file import Frame
from tasks.artifacts.image_codec import ImageEncoding


def make_decode_report(
    size: tuple[int, int], kept: int, *, lost: int = 0, damaged: int = 0, fps: float = 25.0, **changes: object
) -> DecodeReport:
    """The report on a file of `kept` frames of `size` (height, width); `changes` replace its facts."""
    height, width = size
    facts: dict[str, object] = {
        "file": "made.mp4",
        "container": "mp4",
        "codec": "h264",
        "pixel_format": "yuv420p",
        "source_width": width,
        "source_height": height,
        "rotation_deg": 0,
        "fps": fps,
        "vfr": False,
        "duration_s": kept / fps,
        "expected": kept,
        "decoded": kept - lost,
        "damaged": damaged,
        "lost": lost,
        "kept": kept,
        "width": width,
        "height": height,
        "encoding": "raw",
    }
    return DecodeReport(**(facts | changes))


def write_frames(
    path: Path,
    images: Sequence[np.ndarray | None],
    *,
    size: tuple[int, int] = (90, 160),
    fps: float = 25.0,
    damaged: Sequence[int] = (),
    encoding: ImageEncoding = "raw",
) -> Frames:
    """Frames of `images` at `path`: None is a lost frame, those in `damaged` are damaged; `size` if all are lost."""
    whole = [image for image in images if image is not None]
    report = make_decode_report(
        whole[0].shape[:2] if whole else size,
        len(images),
        lost=len(images) - len(whole),
        damaged=len(damaged),
        fps=fps,
        encoding=encoding,
    )
    rows = [
        Frame(n, n / fps, "lost" if image is None else "damaged" if n in damaged else "ok", image)
        for n, image in enumerate(images)
    ]
    return Frames.stream(rows, lambda: report, encoding).to(path)
