"""The artifacts made from a synthetic scene."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tasks.geometry.homography import compute_camera_flow
from tasks.synthetic.scene import scene_artifacts
from tasks.synthetic.scene.synthetic_scene import Scene, SceneSettings, make_scene


@pytest.fixture(scope="module")
def scene() -> Scene:
    return make_scene(0, SceneSettings(frames=5, height=64, width=96))


def test_frames_are_the_pictures(scene: Scene, tmp_path: Path):
    frames = scene_artifacts.make_frames(scene).to(tmp_path / "frames.parquet")
    assert [frame for frame, _ in frames.images()] == list(range(5))
    assert (frames.image(3) == scene.frames[3]).all()


@pytest.mark.parametrize("noise", [0.0, 0.5, 2.0])
def test_dense_flow_is_off_by_the_noise_asked_for(noise: float, scene: Scene, tmp_path: Path):
    flow = scene_artifacts.make_dense_flow(scene, noise).to(tmp_path / "dense_flow.parquet")
    assert len(flow) == 4
    for found, (truth, seen) in ((flow.forward(1), scene.flow(1, 2)), (flow.backward(1), scene.flow(2, 1))):
        assert np.allclose((found - truth).std(axis=(0, 1)), noise, atol=0.01)
        assert 0.5 < seen.mean() < 1
    assert (flow.valid(1) == scene.flow(1, 2)[1]).all()
    assert (flow.valid_backward(1) == scene.flow(2, 1)[1]).all()


def test_dense_flow_knows_how_the_camera_moves(scene: Scene, tmp_path: Path):
    flow = scene_artifacts.make_dense_flow(scene).to(tmp_path / "dense_flow.parquet")
    background = scene.instances[2] == 0
    assert np.allclose(
        compute_camera_flow(flow.camera(2), 64, 96)[background], scene.flow(2, 3)[0][background], atol=0.01
    )


def test_features_tell_cloths_apart_but_not_walkers_from_swingers(tmp_path: Path):
    scene = make_scene(1, SceneSettings(frames=2, occlusion=0.5))
    features = scene_artifacts.make_features(scene).to(tmp_path / "features.npy")
    vectors = features.vectors(0)
    assert np.allclose(np.linalg.norm(vectors, axis=2), 1, atol=2e-3)
    # Cells that lie wholly in one class.
    cells = scene.classes[0].reshape(features.metadata.grid.rows, 4, features.metadata.grid.columns, 4)
    pure = (cells.min(axis=(1, 3)) == cells.max(axis=(1, 3))) * (1 + cells.min(axis=(1, 3)))
    background, walker, swinger = (vectors[pure == kind].mean(axis=0) for kind in (1, 2, 3))
    assert np.linalg.norm(walker - swinger) < 0.5 * np.linalg.norm(walker - background)


def test_a_cell_of_features_lies_where_its_grid_says(scene: Scene):
    image = np.zeros((64, 96, 3), np.uint8)
    grid_row, grid_column = 8, 11
    image[4 * grid_row : 4 * grid_row + 4, 4 * grid_column : 4 * grid_column + 4] = 255
    found = scene_artifacts.compute_histograms(image)[..., scene_artifacts.COLOUR_BINS - 1].astype(np.float32)
    assert np.unravel_index(found.argmax(), found.shape) == (grid_row, grid_column) or found[grid_row, grid_column] > 0
    rows, columns = np.nonzero(found)
    assert (rows.mean(), columns.mean()) == (grid_row, grid_column)


def test_labelled_frames_leave_no_frame_far_away():
    assert scene_artifacts.select_labelled_frames(2, 24) == [6, 18]
    assert scene_artifacts.select_labelled_frames(1, 1) == [0]
    assert scene_artifacts.select_labelled_frames(3, 9) == [1, 4, 7]
