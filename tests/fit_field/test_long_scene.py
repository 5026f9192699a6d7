"""A scene of 96 frames in windows and in one piece: the same maps, as good."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tasks.artifacts.features import Features
from tasks.artifacts.field_labels import FieldLabels
from tasks.artifacts.semantic_flow import SemanticFlow, SemanticFlowMetadata
from tasks.artifacts.tracks import Tracks
from tasks.fit_field.field_inputs import FieldInputs
from tasks.fit_field.fit_windows import fit_semantic_field
from tasks.synthetic.scene import scene_artifacts as made
from tasks.synthetic.scene.synthetic_scene import Scene, SceneSettings, make_scene

FRAMES, HEIGHT, WIDTH = 96, 72, 128


@pytest.fixture(scope="module")
def scene() -> Scene:
    return make_scene(0, SceneSettings(frames=FRAMES, height=HEIGHT, width=WIDTH))


@pytest.fixture(scope="module")
def inputs(scene: Scene, tmp_path_factory: pytest.TempPathFactory) -> FieldInputs:
    folder = tmp_path_factory.mktemp("scene")
    features: Features = made.make_features(scene).to(folder / "features.npy")
    grid = features.metadata.grid
    return FieldInputs(
        made.make_frames(scene).to(folder / "frames.parquet"),
        made.make_dense_flow(scene, 0.5).to(folder / "flow.parquet"),
        features,
        SemanticFlow(
            np.zeros((0, grid.rows, grid.columns, 3), np.float16), (), SemanticFlowMetadata(FRAMES, WIDTH, HEIGHT, grid)
        ),
        Tracks.empty(frame_count=FRAMES, width=WIDTH, height=HEIGHT),
        FieldLabels.absent(),
    )


@pytest.fixture
def maps(scene: Scene, inputs: FieldInputs, params, tmp_path: Path):
    def run(labelled: list[int], **cuts: int) -> np.ndarray:
        folder = tmp_path / "labels"
        folder.mkdir(exist_ok=True)
        for frame in labelled:
            Image.fromarray(scene.classes[frame]).save(folder / f"{frame:06d}.png")
        given = replace(inputs, field_labels=FieldLabels.load(folder))
        field = fit_semantic_field(given, params(grid_side=WIDTH, evidence_weights=False, **cuts)).to(
            tmp_path / "field.parquet"
        )
        return np.stack([field.map(row).label for row in range(len(field))])

    return run


def mean_iou(found: np.ndarray, truth: np.ndarray) -> float:
    pairs = [(found == value, truth == value) for value in np.unique(truth)]
    return float(np.mean([(one & other).sum() / (one | other).sum() for one, other in pairs]))


@pytest.mark.slow
@pytest.mark.parametrize(("labelled", "equal", "lost"), [([24, 72], 0.999, 0.001), ([0], 0.97, 0.01)])
def test_windows_are_as_good_as_one_piece(maps, scene: Scene, labelled: list[int], equal: float, lost: float) -> None:
    whole, windows = maps(labelled, window=400), maps(labelled, window=48)
    held = np.setdiff1d(np.arange(FRAMES), labelled)
    assert (whole == windows).mean() > equal
    assert mean_iou(windows[held], scene.classes[held]) > mean_iou(whole[held], scene.classes[held]) - lost
