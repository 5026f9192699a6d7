"""Cameras, held to scenes whose camera is known, and to OpenCV's projection."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.artifacts.camera_poses import CameraPoses
from tasks.errors import BadInput, SemflowError
from tasks.fit_field.field_inputs import FieldInputs
from tasks.fit_field.plane_cameras import (
    PlaneCameras,
    compose_background_homographies,
    make_homography_cameras,
    make_pinhole_cameras,
    make_plane_cameras,
    make_static_cameras,
    resize_homography,
    space_planes,
)
from tasks.geometry.warp import pixel_grid
from tasks.synthetic.scene.scene_artifacts import make_dense_flow
from tasks.synthetic.scene.scene_camera import transform_points
from tasks.synthetic.scene.synthetic_scene import Scene, SceneSettings, make_scene

SETTINGS = SceneSettings(frames=7, height=72, width=96, actors=0, leaving=0, occlusion=0.0)
CORNERS = np.array([[0.0, 0], [95, 0], [0, 71], [95, 71], [40, 30]])


@pytest.fixture(scope="module")
def scene() -> Scene:
    return make_scene(5, SETTINGS)


def test_a_camera_that_stands_still_is_the_identity() -> None:
    still = make_scene(5, replace(SETTINGS, camera=0.0))
    cameras = make_static_cameras(len(still), 4)
    assert cameras.to_frame.shape == (7, 4, 3, 3) and cameras.to_frame.dtype == np.float64
    assert (len(cameras), cameras.planes, cameras.reference) == (7, 4, 3)
    np.testing.assert_allclose(cameras.to_frame[:, 0], still.cameras, atol=1e-12)


def test_the_backgrounds_homographies_lead_from_the_middle_frame_to_each(scene: Scene, tmp_path: Path) -> None:
    flow = make_dense_flow(scene).to(tmp_path / "flow.parquet")
    cameras = make_homography_cameras(compose_background_homographies(flow, range(7), 72, 96), 2)
    for frame in range(7):
        expected, _ = scene.flow(cameras.reference, frame)
        for plane in range(2):
            moved = transform_points(cameras.to_frame[frame, plane], pixel_grid(72, 96).reshape(-1, 2).astype(float))
            np.testing.assert_allclose(moved - pixel_grid(72, 96).reshape(-1, 2), expected.reshape(-1, 2), atol=1e-3)


def test_frames_between_and_smaller_maps_are_the_same_camera(scene: Scene, tmp_path: Path) -> None:
    flow = make_dense_flow(scene).to(tmp_path / "flow.parquet")
    whole = make_homography_cameras(compose_background_homographies(flow, range(7), 72, 96), 1).to_frame[:, 0]
    some = make_homography_cameras(compose_background_homographies(flow, [0, 3, 6], 36, 48), 1).to_frame[:, 0]
    for frame, place in ((0, 0), (3, 1), (6, 2)):
        halved = (transform_points(whole[frame], CORNERS) + 0.5) / 2 - 0.5
        np.testing.assert_allclose(transform_points(some[place], (CORNERS + 0.5) / 2 - 0.5), halved, atol=1e-6)


def test_the_camera_counts_as_still_where_a_flash_leaves_no_flow(make_inputs) -> None:
    flow = make_inputs(6, cut=2)["dense_flow"]
    steps = compose_background_homographies(flow, range(6), 72, 96)
    np.testing.assert_allclose(steps[2], np.eye(3), atol=1e-9)
    assert make_homography_cameras(steps, 2).to_frame.shape == (6, 2, 3, 3)


def poses_of(scene: Scene, frames: list[int]) -> np.ndarray:
    """World to camera: x = R (X - c)."""
    turns, places = scene.camera.rotations[frames], scene.camera.places[frames]
    return np.concatenate([turns, -(turns @ places[..., None])], axis=2)


@pytest.mark.parametrize("around", [[3, 0, 5], [6, 1, 0, 2, 4]])
def test_a_pinhole_moves_planes_as_the_scenes_camera_does(scene: Scene, around: list[int]) -> None:
    """The scene's planes face frame 0, so that one lies in the middle here."""
    distances = np.array([20.0, 6.0, 2.0])
    cameras = make_pinhole_cameras(
        poses_of(scene, around), np.repeat(scene.camera.intrinsics[None], len(around), 0), distances
    )
    for place, frame in enumerate(around):
        for plane, distance in enumerate(distances):
            expected = scene.camera.homography(frame, distance)
            found = cameras.to_frame[place, plane]
            np.testing.assert_allclose(found / found[2, 2], expected, atol=1e-9)


@given(st.integers(0, 10_000), st.integers(1, 6))
def test_points_on_a_plane_are_where_a_pinhole_projects_them(seed: int, frames: int) -> None:
    rng = np.random.default_rng(seed)
    turns = rng.normal(0, 0.2, (frames, 3))
    poses = np.stack([np.column_stack([cv2.Rodrigues(turn)[0], rng.normal(0, 0.3, 3)]) for turn in turns])
    lenses = np.tile(np.diag([90.0, 100.0, 1.0]), (frames, 1, 1))
    lenses[:, :2, 2] = rng.normal(40, 5, (frames, 2))
    cameras = make_pinhole_cameras(poses, lenses, np.array([8.0, 5.0]))
    reference = cameras.reference
    for plane, distance in enumerate((8.0, 5.0)):
        rays = np.column_stack([CORNERS, np.ones(5)]) @ np.linalg.inv(lenses[reference]).T * distance
        world = (rays - poses[reference, :, 3]) @ poses[reference, :, :3]
        for frame in range(frames):
            expected, _ = cv2.projectPoints(world, turns[frame], poses[frame, :, 3], lenses[frame], None)
            np.testing.assert_allclose(
                transform_points(cameras.to_frame[frame, plane], CORNERS), expected[:, 0], rtol=1e-6, atol=1e-6
            )


def test_planes_are_even_in_parallax_and_the_first_is_the_farthest() -> None:
    assert space_planes(1.0, 4.0, 4).tolist() == pytest.approx([4, 2, 4 / 3, 1])
    assert space_planes(1.0, 4.0, 1).tolist() == [4.0]


@pytest.mark.parametrize("distances", [[], [1.0, 2.0], [2.0, 2.0], [1.0, -1.0]])
def test_distances_that_do_not_fall_are_refused(distances: list[float]) -> None:
    with pytest.raises(SemflowError, match="distances of planes must be above 0 and fall"):
        make_pinhole_cameras(np.eye(4)[None, :3], np.eye(3)[None], np.array(distances))


@pytest.mark.parametrize("shape", [(3, 3), (2, 3, 3), (2, 0, 3, 3), (2, 1, 3, 4)])
def test_cameras_of_another_shape_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(SemflowError, match="to_frame must be finite, of shape"):
        PlaneCameras(np.zeros(shape))


def test_a_homography_on_another_size_keeps_edges_on_edges() -> None:
    moved = resize_homography(np.array([[1.0, 0, 4], [0, 1, 6], [0, 0, 1]]), (72, 96), (36, 24))
    np.testing.assert_allclose(moved, [[1, 0, 1], [0, 1, 3], [0, 0, 1]], atol=1e-12)
    np.testing.assert_allclose(resize_homography(np.diag([-1.0, 1, 1]), (4, 4), (2, 2))[0, 2], -0.5)


def of_scene(scene: Scene, folder: Path) -> FieldInputs:
    """Inputs of which cameras need the dense flow alone."""
    nothing: Any = None
    flow = make_dense_flow(scene).to(folder / "flow.parquet")
    return FieldInputs(nothing, flow, nothing, nothing, nothing, nothing)


def test_the_parameter_chooses_the_camera(scene: Scene, tmp_path: Path) -> None:
    inputs = of_scene(scene, tmp_path)
    still = make_plane_cameras("identity", inputs, range(7), 2, (72, 96)).to_frame
    moving = make_plane_cameras("homography", inputs, range(7), 2, (72, 96)).to_frame
    assert (still == np.eye(3)).all()
    np.testing.assert_array_equal(
        moving,
        make_homography_cameras(compose_background_homographies(inputs.dense_flow, range(7), 72, 96), 2).to_frame,
    )
    with pytest.raises(BadInput, match=r"must be there for a pinhole camera"):
        make_plane_cameras("pinhole", inputs, range(7), 2, (72, 96))


def test_a_persons_poses_make_the_cameras_of_a_window(scene: Scene, tmp_path: Path) -> None:
    fx, cx, cy = (float(scene.camera.intrinsics[at]) for at in ((0, 0), (0, 2), (1, 2)))
    rows = [
        {"frame": n, "rotation": pose[:, :3].tolist(), "translation": pose[:, 3].tolist()}
        for n, pose in enumerate(poses_of(scene, [*range(7)]))
    ]
    lens = {"fx": 2 * fx, "fy": 2 * fx, "cx": 2 * cx + 0.5, "cy": 2 * cy + 0.5}  # of the source, twice as large
    values = {"width": 192, "height": 144, "near": 2, "far": 10, "frames": rows, **lens}
    path = tmp_path / "made.json"
    path.write_text(json.dumps(values))
    inputs = replace(of_scene(scene, tmp_path), camera_poses=CameraPoses.load(path))
    cameras = make_plane_cameras("pinhole", inputs, [3, 0, 5], 3, (72, 96))
    found = cameras.to_frame[0, 0]
    np.testing.assert_allclose(found / found[2, 2], scene.camera.homography(3, 10.0), atol=1e-9)
    with pytest.raises(BadInput, match=r"made\.json: frames must have one with frame 7, got none"):
        make_plane_cameras("pinhole", inputs, [6, 7], 3, (72, 96))
