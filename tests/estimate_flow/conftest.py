"""Frames artifacts from pictures, a textured scene to move about, and the stage's parameters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest

from tasks.artifacts.frames import Frames
from tasks.estimate_flow.params import EstimateFlowParams
from tasks.params import Compute
from tests.factories.compute import make_compute
from tests.factories.frames import write_frames

MakeFrames = Callable[..., Frames]
View = Callable[..., np.ndarray]
HEIGHT, WIDTH = 96, 128
MARGIN = 64


def scenery(seed: int) -> np.ndarray:
    """Coloured structure of all sizes, larger than a frame."""
    noise = np.random.default_rng(seed).normal(size=(HEIGHT + 2 * MARGIN, WIDTH + 2 * MARGIN, 3))
    scales = [size * cv2.GaussianBlur(noise, (0, 0), size) for size in (1.5, 4, 12)]
    return cv2.normalize(np.sum(scales, axis=0), None, 0, 255, cv2.NORM_MINMAX).astype(np.uint8)


@pytest.fixture(scope="session")
def view() -> View:
    """A frame of scene number `seed`, its content moved by (x, y) pixels."""
    scenes = {seed: scenery(seed) for seed in range(3)}

    def look(x: float = 0, y: float = 0, seed: int = 0) -> np.ndarray:
        shift = np.array([[1, 0, x - MARGIN], [0, 1, y - MARGIN]], np.float64)
        return cv2.warpAffine(scenes[seed], shift, (WIDTH, HEIGHT), flags=cv2.INTER_CUBIC)

    return look


@pytest.fixture
def make_frames(tmp_path: Path) -> MakeFrames:
    """Frames of `images`, kept exactly; None is a lost frame, numbers in `damaged` are damaged ones."""

    def make(images: Sequence[np.ndarray | None], damaged: Sequence[int] = ()) -> Frames:
        return write_frames(tmp_path / "frames.parquet", images, size=(HEIGHT, WIDTH), damaged=damaged)

    return make


@pytest.fixture(scope="session")
def params() -> EstimateFlowParams:
    """The defaults."""
    return EstimateFlowParams(
        backend="dis",
        dis_preset="medium",
        raft_weights="raft-sintel",
        raft_iterations=12,
        stored_grid=2,
        stored_steps_per_px=32,
    )


@pytest.fixture(scope="session")
def on_cpu() -> Compute:
    return make_compute(batch=4)
