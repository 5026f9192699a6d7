"""Small worlds for the field: a textured square that slides over a textured ground, with exact flow and features."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from tasks.artifacts.camera_poses import CameraPoses
from tasks.artifacts.decode_report import DecodeReport
from tasks.artifacts.dense_flow import DenseFlow
from tasks.artifacts.features import FeatureMetadata, Features
from tasks.artifacts.field_labels import FieldLabels
from tasks.artifacts.flow_encoding import FlowEncoding
from tasks.artifacts.flow_pair import FlowMetadata, FlowPair
from tasks.artifacts.frames import Frames
from tasks.artifacts.frames_file import Frame
from tasks.artifacts.semantic_flow import SemanticFlow, SemanticFlowMetadata
from tasks.artifacts.shots import Shots
from tasks.artifacts.tracks import Tracks
from tasks.fit_field.params import FitFieldParams
from tasks.geometry.cell_grid import CellGrid, l2_normalize
from tasks.geometry.resampling import resample_to_cells
from tasks.sequence.frame_pair_motion import FramePairMotion
from tasks.sequence.sequence_view import SequenceView
from tests.factories.frames import make_decode_report

HEIGHT, WIDTH, CELL = 48, 80, 4
SIDE, TOP, LEFT, STEP = 16, 16, 8, 4
CELLS = CellGrid(HEIGHT // CELL, WIDTH // CELL, CELL, CELL, (CELL - 1) / 2, (CELL - 1) / 2)
CELLS_SHAPE = HEIGHT // CELL, WIDTH // CELL


@dataclass(frozen=True)
class MovingSquare:
    """A clip and its truth."""

    clip: SequenceView
    truth: np.ndarray
    """(t, h, w) 0 ground, 1 square."""


@pytest.fixture
def make_world() -> Callable[..., MovingSquare]:
    """A square that moves right by STEP px per frame; `flows` and `features` say what can be known of it."""

    def make(
        frames: int = 6, *, flows: bool = True, features: bool = True, missing: tuple[int, ...] = ()
    ) -> MovingSquare:
        rng = np.random.default_rng(0)
        ground, square = rng.normal(size=(HEIGHT, WIDTH, 16)), 3 + rng.normal(size=(SIDE, SIDE, 16))
        truth = np.zeros((frames, HEIGHT, WIDTH), np.uint8)
        grids: list[np.ndarray | None] = []
        for frame in range(frames):
            left = LEFT + STEP * frame
            truth[frame, TOP : TOP + SIDE, left : left + SIDE] = 1
            picture = ground.copy()
            picture[TOP : TOP + SIDE, left : left + SIDE] = square
            cells = np.stack([resample_to_cells(picture[..., n], CELLS) for n in range(16)], axis=-1)
            grids.append(None if frame in missing else l2_normalize(cells if features else np.ones_like(cells)))

        def motion(first: int) -> FramePairMotion | None:
            if not flows or {first, first + 1} & {*missing}:
                return None
            now, after = truth[first] == 1, truth[first + 1] == 1
            forward, backward = np.zeros((2, HEIGHT, WIDTH, 2), np.float32)
            forward[now, 0], backward[after, 0] = STEP, -STEP
            # Ground that the square covers next is hidden there; ground that it uncovers was hidden before.
            return FramePairMotion(forward, backward, now | ~after, after | ~now)

        return MovingSquare(SequenceView(frames, HEIGHT, WIDTH, CELLS, lambda frame: grids[frame], motion), truth)

    return make


def overlap(found: np.ndarray, truth: np.ndarray) -> float:
    return (found & truth).sum() / (found | truth).sum()


@pytest.fixture
def iou() -> Callable[[np.ndarray, np.ndarray], float]:
    return overlap


@pytest.fixture
def make_inputs(make_world, tmp_path) -> Callable[..., dict[str, Any]]:
    """The artifacts that the stage reads, of a world in which one thing is tracked."""

    def make(frames: int = 6, *, tracked: bool = True, cut: int | None = None, lost: tuple[int, ...] = ()) -> dict:
        world = make_world(frames, missing=lost)
        encoding = FlowEncoding(HEIGHT, WIDTH, 1, 32)

        def pair(first: int) -> FlowPair:
            motion = world.clip.motion(first)
            if motion is None or first == cut:
                return FlowPair.empty(encoding, 1.0 if first == cut else float("nan"), cut=first == cut)
            return FlowPair(
                motion.forward, motion.backward, motion.valid, motion.valid_backward, 1.0, False, np.eye(3), 1.0
            )

        grids = [world.clip.feature_grid(frame) for frame in range(frames)]
        values = np.stack([np.zeros((*CELLS_SHAPE, 16)) if grid is None else grid for grid in grids] or [])
        pictures = [
            Frame(n, n / 10, "lost", None) if n in lost else Frame(n, n / 10, "ok", np.repeat(t[..., None] * 255, 3, 2))
            for n, t in enumerate(world.truth)
        ]
        left = LEFT + STEP * np.arange(frames, dtype=np.float32)
        count = frames if tracked else 0
        return {
            "frames": Frames.stream(pictures, lambda: account(frames, lost), "raw").to(tmp_path / "frames.parquet"),
            "dense_flow": DenseFlow.stream(map(pair, range(frames - 1)), FlowMetadata(frames, "dis", encoding)).to(
                tmp_path / "flow.parquet"
            ),
            "features": Features.from_vectors(values, FeatureMetadata("mobilenet-v2", ("b6",), WIDTH, HEIGHT, CELLS)),
            "semantic_flow": SemanticFlow(
                np.zeros((0, *CELLS_SHAPE, 3), np.float16), (), SemanticFlowMetadata(frames, WIDTH, HEIGHT, CELLS)
            ),
            "tracks": Tracks(
                frame=np.arange(count, dtype=np.int32),
                track_id=np.ones(count, np.int32),
                class_id=np.full(count, 2, np.int16),
                class_name=np.full(count, "car", object),
                score=np.full(count, 0.9, np.float32),
                x1=left[:count],
                y1=np.full(count, TOP, np.float32),
                x2=left[:count] + SIDE,
                y2=np.full(count, TOP + SIDE, np.float32),
                detection=np.arange(count, dtype=np.int32),
                frame_count=frames,
                width=WIDTH,
                height=HEIGHT,
            ),
            "field_labels": FieldLabels.absent(),
            "shots": Shots.from_cuts(np.arange(max(0, frames - 1)) == cut, np.arange(frames) / 10),
            "camera_poses": CameraPoses.absent(),
            "truth": world.truth,
        }

    return make


def account(frames: int, lost: tuple[int, ...]) -> DecodeReport:
    return make_decode_report((HEIGHT, WIDTH), frames, lost=len(lost), fps=10.0, pixel_format="rgb24")


@pytest.fixture
def params() -> Callable[..., FitFieldParams]:
    """The parameters of a run without the segmenter, but for those named."""

    def make(**changed: object) -> FitFieldParams:
        usual = {
            "frame_stride": 1,
            "grid_side": 80,
            "labels": "auto",
            "value_kind": "class",
            "max_labels": 4,
            "label_every": 3,
            "label_outline": "boxes",
            "use_instance_masks": False,
            "segment_side": 320,
            "min_score": 0.3,
            "evidence_weights": True,
            "consistency": True,
            "window": 48,
            "overlap": 8,
            "planes": 1,
            "volume_steps": 0,
            "camera": "homography",
        }
        return FitFieldParams.model_validate(usual | changed)

    return make
