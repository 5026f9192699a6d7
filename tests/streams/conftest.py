"""Frames of made-up pictures at made-up times."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from tasks.artifacts.decode_report import DecodeReport
from tasks.artifacts.frames import Frames
from tasks.artifacts.frames_file import Frame

MakeFrames = Callable[..., Frames]


@pytest.fixture
def make_frames(tmp_path: Path) -> MakeFrames:
    """Frames of `images`, kept exactly; None is a lost frame."""

    def make(images: Sequence[np.ndarray | None], fps: float = 25.0) -> Frames:
        sizes = [image.shape[:2] for image in images if image is not None]
        height, width = sizes[0] if sizes else (90, 160)
        account = DecodeReport(
            file="made.mp4",
            container="mp4",
            codec="h264",
            pixel_format="yuv420p",
            source_width=width,
            source_height=height,
            rotation_deg=0,
            fps=fps,
            vfr=False,
            duration_s=len(images) / fps,
            expected=len(images),
            decoded=len(sizes),
            damaged=0,
            lost=len(images) - len(sizes),
            kept=len(images),
            width=width,
            height=height,
            encoding="raw",
        )
        rows = [Frame(n, n / fps, "lost" if image is None else "ok", image) for n, image in enumerate(images)]
        return Frames.stream(rows, lambda: account, encoding="raw").to(tmp_path / "frames.parquet")

    return make
