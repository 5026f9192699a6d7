"""The stage on films of stored frames: thumbnails, lost frames, shots."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tasks.artifacts.dense_flow import DenseFlow
from tasks.artifacts.frames import Frames
from tasks.find_shots.params import FindShotsParams
from tasks.find_shots.stage import find_shots
from tasks.find_shots.thumbnails import FilmThumbnails
from tasks.synthetic.scene import scene_artifacts
from tasks.synthetic.scene.synthetic_scene import SceneSettings, make_scene

PARAMS = FindShotsParams(fades=True, max_dissolve_s=2.0)


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> tuple[Frames, DenseFlow]:
    folder = tmp_path_factory.mktemp("scene")
    scene = make_scene(1, SceneSettings(frames=14, height=96, width=160, actors=3, leaving=0))
    frames = scene_artifacts.make_frames(scene).to(folder / "frames.parquet")
    return frames, scene_artifacts.make_dense_flow(scene, 0.2).to(folder / "flow.parquet")


def test_a_moving_scene_is_one_shot(film: tuple[Frames, DenseFlow]) -> None:
    frames, flow = film
    shots = find_shots(frames, flow, PARAMS)
    assert shots.transition.tolist() == ["start"] and shots.last_frame.tolist() == [13]
    assert shots.video == frames.video


def test_a_cut_of_dense_flow_is_a_boundary(film: tuple[Frames, DenseFlow], tmp_path: Path) -> None:
    frames, flow = film
    pairs = (
        replace(pair, cut=number == 6, photometric_error=40.0 if number == 6 else 4.0)
        for number, pair in enumerate(flow)
    )
    changed: DenseFlow = DenseFlow.stream(pairs, flow.metadata).to(tmp_path / "flow.parquet")
    shots = find_shots(frames, changed, PARAMS)
    assert shots.first_frame.tolist() == [0, 7] and shots.transition.tolist() == ["start", "cut"]


def test_thumbnails_are_the_mean_colours_of_cells(film: tuple[Frames, DenseFlow]) -> None:
    frames = film[0]
    found = FilmThumbnails(frames)[3:4].reshape(19, 32, 3).astype(float)
    image = frames.image(3)[: 19 * 5, : 32 * 5].reshape(19, 5, 32, 5, 3).mean(axis=(1, 3))
    assert np.corrcoef(found.ravel(), image.ravel())[0, 1] > 0.9


def test_a_lost_frame_repeats_the_one_before(film: tuple[Frames, DenseFlow]) -> None:
    status = film[0].status.copy()
    status[[0, 5]] = "damaged"
    found, whole = FilmThumbnails(replace(film[0], status=status))[:], FilmThumbnails(film[0])[:]
    np.testing.assert_array_equal(found[5], whole[4])
    np.testing.assert_array_equal(found[0], whole[1])
    np.testing.assert_array_equal(found[6], whole[6])


@pytest.mark.parametrize("shape", [(96, 160), (90, 150)])
def test_a_reduced_image_is_an_eighth(shape: tuple[int, int], tmp_path: Path) -> None:
    scene = make_scene(1, SceneSettings(frames=1, height=shape[0], width=shape[1], actors=1, leaving=0))
    frames: Frames = scene_artifacts.make_frames(scene).to(tmp_path / "frames.parquet")
    reduced = frames.reduced_image(0)
    assert reduced.shape == (12, -(-shape[1] // 8), 3)
    whole = frames.image(0)[:88, :144].reshape(11, 8, 18, 8, 3).mean(axis=(1, 3))
    for channel in range(3):
        assert np.abs(reduced[:11, :18, channel] - whole[..., channel]).mean() < 12, (
            "the channels are in the same order"
        )
