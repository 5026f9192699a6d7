"""A small valid artifact of every class that the stages leave, for measuring the engine without their work.

Two frames of 64x48 pixels without a person in them. Every file loads as what it is, so that a benchmark's items are
read, hashed and shown as real ones are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from tasks.artifacts.action_model import ActionModel, LinearHead
from tasks.artifacts.actions import Actions
from tasks.artifacts.artifact import Artifact, StreamingArtifact
from tasks.artifacts.decode_report import DecodeReport
from tasks.artifacts.dense_flow import DenseFlow
from tasks.artifacts.detections import Detections
from tasks.artifacts.feature_axes import AxesMetadata, FeatureAxes
from tasks.artifacts.features import FeatureMetadata, Features
from tasks.artifacts.flow_encoding import FlowEncoding
from tasks.artifacts.flow_pair import FlowMetadata, FlowPair
from tasks.artifacts.frames import Frames
from tasks.artifacts.frames_file import Frame
from tasks.artifacts.kinematics import Kinematics
from tasks.artifacts.masks import Masks
from tasks.artifacts.matches import Matches
from tasks.artifacts.poses import KEYPOINTS, Poses
from tasks.artifacts.report import Report
from tasks.artifacts.semantic_field import FieldMetadata, SemanticField
from tasks.artifacts.semantic_flow import SemanticFlow, SemanticFlowMetadata
from tasks.artifacts.shots import Shots
from tasks.artifacts.tracks import Tracks
from tasks.geometry.cell_grid import CellGrid

FRAMES, WIDTH, HEIGHT = 2, 64, 48
SIZE = {"frame_count": FRAMES, "width": WIDTH, "height": HEIGHT}
GRID = CellGrid(rows=6, columns=8, step_x=8.0, step_y=8.0, left=3.5, top=3.5)
NETWORK, LAYERS = "mobilenet-v2", ("b6", "b13", "b17")
CHANNELS, AXES = 8, 4
ACCOUNT = DecodeReport(
    file="clip.mp4",
    container="mp4",
    codec="h264",
    pixel_format="yuv420p",
    source_width=WIDTH,
    source_height=HEIGHT,
    rotation_deg=0,
    fps=25.0,
    vfr=False,
    duration_s=FRAMES / 25,
    expected=FRAMES,
    decoded=FRAMES,
    damaged=0,
    lost=0,
    kept=FRAMES,
    width=WIDTH,
    height=HEIGHT,
    encoding="jpeg",
)


def write_samples(folder: Path) -> Mapping[str, Path]:
    """Write one of each below `folder`; gives the artifact folder of each class with where its sample lies."""
    found: dict[str, Path] = {}
    for kind, save in _writers().items():
        path = found[kind.FOLDER] = folder / f"{kind.__name__}{kind.SUFFIX}"
        save(path)
    return found


def _writers() -> Mapping[type[Artifact], Callable[[Path], None]]:
    tables = (
        Shots.from_cuts(np.zeros(FRAMES - 1, np.bool_), np.arange(FRAMES) / 25),
        Detections.empty(**SIZE),
        Masks.empty(**SIZE),
        Tracks.empty(**SIZE),
        Matches.empty(**SIZE),
        Poses.empty(**SIZE, trusted_score=0.5, skeleton="halpe26", keypoints=KEYPOINTS),
        Kinematics.empty(frame_count=FRAMES),
        Actions.empty(**SIZE, network="i3d", notes=[], confident_from=0.5),
    )
    others = (_frames(), _dense_flow(), _axes(), _features(), _semantic_flow(), _action_model(), _semantic_field())
    writers: dict[type[Artifact], Callable[[Path], None]] = {
        made.kind if isinstance(made, StreamingArtifact) else type(made): made.save for made in (*tables, *others)
    }
    return writers | {Report: _write_report}


def _frames() -> StreamingArtifact[Frames]:
    image = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    return Frames.stream([Frame(n, n / 25, "ok", image) for n in range(FRAMES)], lambda: ACCOUNT)


def _dense_flow() -> StreamingArtifact[DenseFlow]:
    encoding = FlowEncoding(height=HEIGHT, width=WIDTH, grid=2, steps_per_px=32)
    facts = FlowMetadata(frame_count=FRAMES, backend="dis", encoding=encoding)
    return DenseFlow.stream([FlowPair.empty(encoding)] * (FRAMES - 1), facts)


def _axes() -> FeatureAxes:
    return FeatureAxes(np.ones((1 + AXES, CHANNELS), np.float16), AxesMetadata(NETWORK, LAYERS, "samples"))


def _features() -> Features:
    values = np.ones((FRAMES, GRID.rows, GRID.columns, AXES), np.float16)
    return Features.from_vectors(values, FeatureMetadata(NETWORK, LAYERS, WIDTH, HEIGHT, GRID))


def _semantic_flow() -> SemanticFlow:
    return SemanticFlow(
        np.empty((0, GRID.rows, GRID.columns, 3), np.float16), (), SemanticFlowMetadata(FRAMES, WIDTH, HEIGHT, GRID)
    )


def _action_model() -> ActionModel:
    head = LinearHead("i3d", np.zeros((2, 2), np.float32), np.zeros(2, np.float32))
    return ActionModel(("jump", "walk"), "synthetic", head, None, "person", (1.0, 0.0), {})


def _semantic_field() -> StreamingArtifact[SemanticField]:
    facts = FieldMetadata(FRAMES, WIDTH, HEIGHT, WIDTH, HEIGHT, (), "none", "no person is in the picture")
    return SemanticField.stream([], facts)


def _write_report(path: Path) -> None:
    path.mkdir()
    (path / Report.PAGE).write_text("<!doctype html><title>sample</title>\n", encoding="utf-8")
    (path / Report.OVERLAY).write_bytes(bytes(1000))
