"""A small dataset of rendered figures, as the stages before would leave it, and labels for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from tasks.artifacts.action_labels import ActionLabels
from tasks.artifacts.artifact import Dataset
from tasks.artifacts.dense_flow import DenseFlow
from tasks.artifacts.flow_encoding import FlowEncoding
from tasks.artifacts.flow_pair import FlowMetadata, FlowPair
from tasks.artifacts.frames import Frames
from tasks.artifacts.shots import Shots
from tasks.artifacts.tracks import Tracks
from tasks.synthetic.figures.figure_clip import FPS, SIDE, ClipTheme, FigureClip, draw_figure_clip
from tasks.synthetic.figures.figure_motions import MOTIONS
from tasks.train import stream_features
from tasks.train.label_segments import TrainingVideos
from tasks.train.params import TrainParams
from tests.factories.frames import write_frames

FRAMES = 14
LABELS = ("kick", "stand")
ENCODING = FlowEncoding(SIDE, SIDE, 2, 32)


@dataclass(frozen=True)
class Films:
    """The dataset's files."""

    footage: TrainingVideos
    root: Path


@pytest.fixture(scope="session")
def films(tmp_path_factory: pytest.TempPathFactory) -> Films:
    """Five clips of either label, a person tracked in each; `short` has five frames, `empty` nobody."""
    root = tmp_path_factory.mktemp("films")
    for label in LABELS:
        for number in range(5):
            write(root, f"{label}{number}", draw_figure_clip((8, number), MOTIONS[label], FRAMES, ClipTheme()))
    write(root, "short", draw_figure_clip((8, 6), MOTIONS["kick"], 5, ClipTheme()))
    write(root, "empty", draw_figure_clip((8, 7), MOTIONS["kick"], FRAMES, ClipTheme()), tracked=False)

    def dataset(kind: type) -> Dataset:
        folder = root / kind.FOLDER
        return Dataset(kind, {path.stem: path for path in sorted(folder.iterdir())})

    return Films(TrainingVideos(dataset(Frames), dataset(DenseFlow), dataset(Tracks), dataset(Shots)), root)


def write(root: Path, name: str, clip: FigureClip, tracked: bool = True) -> None:
    """The frames, flow and tracks of one video."""
    count = len(clip.pictures)
    everywhere = np.ones((SIDE, SIDE), bool)
    pairs = (
        FlowPair(flow, -flow, everywhere, everywhere, 1.0, False, camera, 1.0)
        for flow, camera in zip(clip.flow, clip.cameras, strict=True)
    )
    at = np.arange(count if tracked else 0)
    tracks = Tracks(
        at.astype(np.int32), np.full(len(at), 3, np.int32), np.zeros(len(at), np.int16),
        np.full(len(at), "person", object), np.ones(len(at), np.float32), *clip.xyxy[at].T.astype(np.float32),
        at.astype(np.int32), frame_count=count, width=SIDE, height=SIDE,
    )  # fmt: skip
    for kind in (Frames, DenseFlow, Tracks, Shots):
        (root / kind.FOLDER).mkdir(parents=True, exist_ok=True)
    write_frames(Frames.path(root, name), clip.pictures, fps=FPS)
    DenseFlow.stream(pairs, FlowMetadata(count, "dis", ENCODING)).to(DenseFlow.path(root, name))
    tracks.save(Tracks.path(root, name))
    Shots.from_cuts(np.zeros(count - 1, np.bool_), np.arange(count) / FPS, name).save(Shots.path(root, name))


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of the test's own for what was looked at."""
    monkeypatch.setattr(stream_features, "cache_dir", lambda: tmp_path / "cache")
    return tmp_path / "cache" / "training"


@pytest.fixture
def make_labels(tmp_path: Path) -> Callable[..., ActionLabels]:
    """The labels of a file with these lines; by default one row per film."""

    def make(*lines: str, columns: str = "video,label") -> ActionLabels:
        rows = lines or [f"{label}{number},{label}" for label in LABELS for number in range(5)]
        path = tmp_path / "actions.csv"
        path.write_text("\n".join([columns, *rows]) + "\n")
        return ActionLabels.load(path)

    return make


@pytest.fixture
def params() -> Callable[..., TrainParams]:
    """The parameters of a run, but for those named."""

    def make(**changed: object) -> TrainParams:
        usual = {
            "region": "person", "background_label": None, "spatial": "mobilenet-v2", "temporal": "head",
            "clips_per_segment": 1, "flow_stacks_per_segment": 3,
            "held_out_share": 0.4, "fusion": "learned", "spatial_share": 0.5, "folds": 2,
            "ridge_penalty": 0.1, "random_mirror": True,
            "epochs": 2, "learning_rate": 0.001, "batch_size": 8, "seed": 0,
        }  # fmt: skip
        return TrainParams.model_validate(usual | changed)

    return make
