"""Frames artifacts from pictures, and pictures from a real clip."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import av
import numpy as np
import pytest

from flows.cli.sample_videos import SAMPLES
from tasks.artifacts.frames import Frames
from tasks.detect.params import DetectParams
from tasks.params import Compute
from tasks.weights.fetch import fetch_asset
from tests.factories.compute import make_compute
from tests.factories.frames import write_frames

MakeFrames = Callable[..., Frames]


@pytest.fixture(scope="session")
def bikes() -> list[np.ndarray]:
    """Six pictures of 272 x 640 out of the clip `bikes`: cars, a cyclist, parked bicycles."""
    clip = next(sample for sample in SAMPLES if sample.name == "bikes")
    with av.open(str(fetch_asset(clip))) as reader:
        pictures = [frame.to_ndarray(format="rgb24") for frame in reader.decode(video=0)]
    return [pictures[n] for n in (30, 110, 125, 150, 180, 220)]


@pytest.fixture
def make_frames(tmp_path: Path) -> MakeFrames:
    """Frames of `images`, kept exactly; None is a lost frame."""

    def make(images: Sequence[np.ndarray | None], size: tuple[int, int] = (272, 640)) -> Frames:
        return write_frames(tmp_path / "frames.parquet", images, size=size)

    return make


@pytest.fixture
def cpu() -> Compute:
    return make_compute(batch=4)


@pytest.fixture
def params() -> Callable[..., DetectParams]:
    """The parameters of a run, but for those named."""

    def make(**changed: object) -> DetectParams:
        usual = {
            "weights": "yolo26n",
            "image_size": 640,
            "score_threshold": 0.25,
            "classes": None,
            "max_detections": 300,
            "nms_iou": 0.7,
        }
        return DetectParams.model_validate(usual | changed)

    return make
