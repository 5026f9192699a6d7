"""A small scene with two things that pass each other and a camera that moves, and the volume that starts from it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray

from tasks.fit_field.plane_cameras import make_homography_cameras
from tasks.plane_volume.optimise import VolumeFrames, VolumeTraining, fit_volume
from tasks.plane_volume.volume_queries import VolumeQueries
from tasks.sequence.frame_pair_motion import FramePairMotion
from tasks.synthetic.scene.scene_artifacts import make_flow_pair
from tasks.synthetic.scene.synthetic_scene import Scene, SceneSettings, make_scene
from tests.factories.moving_square import iou, make_inputs, make_world, params  # noqa: F401  fixtures

SETTINGS = SceneSettings(actors=3, leaving=0, occlusion=0.6)
FRAMES = 9  # of the scene's 24: in fewer than 24 everything would move faster than things do


@dataclass(frozen=True, eq=False)
class Film:
    """A scene as the volume gets it."""

    scene: Scene
    shot: VolumeFrames

    def to_frame(self, planes: int) -> NDArray[np.float64]:
        """(t, planes, 3, 3)."""
        steps = [self.shot.cameras[n] for n in sorted(self.shot.cameras)]
        return make_homography_cameras(steps, planes).to_frame


@pytest.fixture(scope="session")
def film() -> Film:
    scene = make_scene(11, SETTINGS)
    pairs = [make_flow_pair(scene, first, 0.0) for first in range(FRAMES - 1)]
    motions = {n: FramePairMotion(p.forward, p.backward, p.valid, p.valid_backward) for n, p in enumerate(pairs)}
    return Film(
        scene, VolumeFrames(list(scene.frames[:FRAMES]), motions, {n: pair.camera for n, pair in enumerate(pairs)})
    )


@pytest.fixture(scope="session")
def make_reader() -> Callable[[Film], VolumeQueries]:
    """The reader of a volume learned in few steps, the same for all tests."""

    @cache
    def make(film: Film) -> VolumeQueries:
        volume = fit_volume(film.shot, film.to_frame, VolumeTraining(20, 8), "cpu")
        return VolumeQueries(volume, film.scene.instances.shape[1:], np.ones(FRAMES - 1, np.bool_))

    return make
