"""Dense flow that is known: a picture that moves as a whole, and boxes that move by themselves."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tasks.artifacts.dense_flow import DenseFlow
from tasks.artifacts.flow_encoding import FlowEncoding
from tasks.artifacts.flow_pair import FlowMetadata, FlowPair
from tasks.geometry.homography import compute_camera_flow
from tasks.track import reid_crops

HEIGHT, WIDTH = 480, 640
MakeFlow = Callable[..., DenseFlow]


@pytest.fixture
def make_flow(tmp_path: Path) -> MakeFlow:
    """(homographies of the pairs, (pair, xyxy, step) of boxes that move by themselves, pairs that are cuts)."""

    def make(
        cameras: np.ndarray,
        moving: list[tuple[int, tuple[float, ...], tuple[float, float]]] | None = None,
        cuts: tuple[int, ...] = (),
    ) -> DenseFlow:
        encoding = FlowEncoding(HEIGHT, WIDTH, 2, 64)
        facts = FlowMetadata(len(cameras) + 1, "dis", encoding)
        return DenseFlow.stream(
            [pair_of(encoding, camera, i, moving or [], i in cuts) for i, camera in enumerate(cameras)], facts
        ).to(tmp_path / "flow.parquet")

    return make


def pair_of(
    encoding: FlowEncoding, camera: np.ndarray, pair: int, moving: list[tuple[int, tuple[float, ...], tuple]], cut: bool
) -> FlowPair:
    if cut:
        return FlowPair.empty(encoding, photometric_error=50.0, cut=True)
    flow = compute_camera_flow(camera, HEIGHT, WIDTH)
    for which, box, step in moving:
        if which == pair:
            x1, y1, x2, y2 = (int(side) for side in box)
            flow[y1:y2, x1:x2] = step
    everywhere = np.ones((HEIGHT, WIDTH), np.bool_)
    return FlowPair(flow, -flow, everywhere, everywhere, 1.0, False, np.eye(3), 0.9)


@pytest.fixture
def colour_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """In place of the network on crops: the exponential of the mean colour, in the first three places."""

    def embed(pictures: np.ndarray) -> np.ndarray:
        found = np.zeros((len(pictures), reid_crops.EMBEDDING_SIZE), np.float32)
        found[:, :3] = np.exp(pictures.mean(axis=(2, 3)))
        return found

    monkeypatch.setattr(reid_crops, "load_reid_network", lambda weights, device: embed)
