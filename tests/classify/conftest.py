"""Videos, flow, tracks and action models made for the purpose."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from torch import nn

from tasks.artifacts.action_model import ActionModel, LinearHead, StackSettings, TemporalStream
from tasks.artifacts.dense_flow import DenseFlow
from tasks.artifacts.flow_encoding import FlowEncoding
from tasks.artifacts.flow_pair import FlowMetadata, FlowPair
from tasks.artifacts.frames import Frames
from tasks.artifacts.tracks import Tracks
from tasks.classify.params import ClassifyParams
from tasks.estimate_flow.params import EstimateFlowParams
from tasks.estimate_flow.stage import estimate_flow
from tasks.params import Compute
from tasks.streams import i3d
from tasks.streams.clip_network import ClipNetwork
from tasks.streams.kinetics_labels import load_kinetics_labels
from tasks.streams.temporal_stream import build_flow_trunk, trunk_to_arrays
from tests.factories.compute import make_compute
from tests.factories.frames import write_frames

WIDTH, HEIGHT, FPS = 80, 60, 25.0
LABELS = ("leap", "spin", "rest")


@pytest.fixture
def cpu() -> Compute:
    return make_compute(batch=4)


@pytest.fixture(scope="session")
def toy_network() -> ClipNetwork:
    """A network of I3D's shapes, with one layer and random weights: what it says means nothing, and comes at once."""
    torch.manual_seed(0)
    trunk = nn.Sequential(nn.Conv3d(3, 1024, (8, 32, 32), (8, 32, 32)), nn.ReLU())
    return ClipNetwork(
        trunk=trunk,
        preprocess=i3d.scale_pixels,
        pool=i3d.pool_features,
        head=nn.Linear(1024, 400),
        labels=load_kinetics_labels(),
        device="cpu",
    )


@pytest.fixture
def toy_i3d(toy_network: ClipNetwork, monkeypatch: pytest.MonkeyPatch) -> None:
    """The toy in I3D's place."""
    monkeypatch.setattr("tasks.classify.rgb_stream.load_i3d", lambda device: toy_network)


@pytest.fixture
def params() -> Callable[..., ClassifyParams]:
    """Small windows, but for those named."""

    def make(**changed: object) -> ClassifyParams:
        usual = {
            "network": "i3d",
            "network_file": None,
            "network_sha256": None,
            "fps": FPS,
            "window_length": 16,
            "window_stride": 16,
            "max_windows": 3,
            "max_people": 2,
            "classify_people_by_appearance": False,
            "flow_stacks_per_window": 2,
            "min_probability": 0.5,
            "min_body_px": 0.0,
            "max_camera_speed": 1.0,
            "max_novelty": 0.95,
            "min_logit": 0.0,
        }
        return ClassifyParams.model_validate(usual | changed)

    return make


@pytest.fixture
def make_frames(tmp_path: Path) -> Callable[..., Frames]:
    """A disc that moves over a texture; frames in `lost` did not come out."""

    def make(count: int, lost: Sequence[int] = ()) -> Frames:
        rng = np.random.default_rng(0)
        ground = rng.integers(0, 255, (HEIGHT, WIDTH, 3), np.uint8)
        y, x = np.mgrid[:HEIGHT, :WIDTH]
        disc = [((x - 20 - n) ** 2 + (y - 30) ** 2 < 100)[..., None] for n in range(count)]
        images = [np.where(inside, np.uint8(250), ground) for inside in disc]
        return _frames([None if n in lost else image for n, image in enumerate(images)], tmp_path)

    return make


def _frames(images: Sequence[np.ndarray | None], folder: Path) -> Frames:
    """Frames of `images`, None standing for one that is lost."""
    return write_frames(folder / "frames.parquet", images, size=(HEIGHT, WIDTH), fps=FPS)


def _ground(seed: int) -> np.ndarray:
    """A wide texture that flow can follow."""
    noise = np.random.default_rng(seed).integers(0, 255, (HEIGHT, 3 * WIDTH, 3), np.uint8)
    return cv2.normalize(cv2.GaussianBlur(noise, (0, 0), 2), None, 0, 255, cv2.NORM_MINMAX)


@pytest.fixture
def make_flow(tmp_path: Path) -> Callable[..., DenseFlow]:
    """The disc's square moves by a pixel to the right; pairs in `cuts` have no flow."""

    def make(frames: Frames, cuts: Sequence[int] = ()) -> DenseFlow:
        encoding = FlowEncoding(HEIGHT, WIDTH, grid=2, steps_per_px=32)
        everywhere = np.ones((HEIGHT, WIDTH), np.bool_)

        def pair(n: int) -> FlowPair:
            if n in cuts:
                return FlowPair.empty(encoding, 80.0, cut=True)
            if not frames.ok[n : n + 2].all():
                return FlowPair.empty(encoding)
            forward = np.zeros((HEIGHT, WIDTH, 2), np.float32)
            forward[20:40, 10 + n : 30 + n, 0] = 1
            return FlowPair(forward, -forward, everywhere, everywhere, 1.0, False, np.eye(3), 0.9)

        pairs = (pair(n) for n in range(max(0, len(frames) - 1)))
        return DenseFlow.stream(pairs, FlowMetadata(len(frames), "dis", encoding)).to(tmp_path / "flow.parquet")

    return make


@pytest.fixture
def make_scenes(tmp_path: Path) -> Callable[..., tuple[Frames, DenseFlow]]:
    """A film of two scenes of so many frames each, a camera that moves over either, and its flow as it is estimated."""

    def make(*counts: int) -> tuple[Frames, DenseFlow]:
        grounds = [_ground(seed) for seed in range(len(counts))]
        images = [
            ground[:, 2 * n :][:, :WIDTH] for ground, count in zip(grounds, counts, strict=True) for n in range(count)
        ]
        frames = _frames(images, tmp_path)
        settings = EstimateFlowParams(
            backend="dis",
            dis_preset="medium",
            raft_weights="raft-sintel",
            raft_iterations=12,
            stored_grid=2,
            stored_steps_per_px=32,
        )
        compute = make_compute(batch=4)
        return frames, estimate_flow(frames, params=settings, compute=compute).to(tmp_path / "estimated.parquet")

    return make


@pytest.fixture
def make_tracks() -> Callable[..., Tracks]:
    """Tracks (id, first frame, frame after the last one, class) along the disc, the second 4 px lower and so on."""

    def make(frames: Frames, *spans: tuple[int, int, int, str]) -> Tracks:
        rows = sorted((f, n, name) for n, start, stop, name in spans for f in range(start, stop))
        frame, track_id = (np.array([row[i] for row in rows], np.int32) for i in (0, 1))
        left, top = 10.0 + frame, 14.0 + 4 * track_id
        names = [row[2] for row in rows]
        return Tracks(
            frame=frame,
            track_id=track_id,
            class_id=np.array([0 if name == "person" else 2 for name in names], np.int16),
            class_name=np.array(names, object),
            score=np.full(len(rows), 0.9, np.float32),
            x1=left.astype(np.float32),
            y1=top.astype(np.float32),
            x2=(left + 20).astype(np.float32),
            y2=(top + 20).astype(np.float32),
            detection=np.arange(len(rows), dtype=np.int32),
            frame_count=len(frames),
            width=WIDTH,
            height=HEIGHT,
        )

    return make


@pytest.fixture(scope="session")
def make_model() -> Callable[..., ActionModel]:
    """An action model that has learned nothing: its weights are random, the same each time."""
    torch.manual_seed(0)
    trunk = trunk_to_arrays(build_flow_trunk())

    def make(vocabulary: str = "synthetic", region: str = "person", **changes: object) -> ActionModel:
        rng = np.random.default_rng(1)

        def head(seen: str, width: int) -> LinearHead:
            return LinearHead(seen, rng.normal(size=(width, 3)).astype(np.float32), np.zeros(3, np.float32))

        fields = {
            "labels": LABELS,
            "vocabulary": vocabulary,
            "spatial": head("i3d", 1024) if vocabulary == "team" else None,
            "temporal": TemporalStream(
                trunk, head("temporal", 384), StackSettings(motion_compensation="camera", side=112)
            ),
            "region": region,
            "fusion": (0.25, 0.75),
            "metrics": {},
        }
        return ActionModel(**{**fields, **changes})

    return make
