"""Frames of made-up pictures at made-up times."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from tasks.artifacts.frames import Frames
from tests.factories.frames import write_frames

MakeFrames = Callable[..., Frames]


@pytest.fixture
def make_frames(tmp_path: Path) -> MakeFrames:
    """Frames of `images`, kept exactly; None is a lost frame."""

    def make(images: Sequence[np.ndarray | None], fps: float = 25.0) -> Frames:
        return write_frames(tmp_path / "frames.parquet", images, fps=fps)

    return make
