"""Ordinal depth from who hides whom."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import spearmanr

from tasks.motion_layers.occlusion_order import count_occlusions, rank_nearness
from tasks.sequence.frame_pair_motion import FramePairMotion
from tasks.synthetic.scene import scene_artifacts
from tasks.synthetic.scene.synthetic_scene import SceneSettings, make_scene


def test_a_square_that_slides_over_the_ground_is_nearer(make_world) -> None:
    world = make_world()
    counted = sum(count_occlusions(world.truth[n], world.truth[n + 1], world.clip.motion(n), 3) for n in range(5))
    assert counted[1, 0] > 0
    assert counted[0, 1] == 0
    near = rank_nearness(counted)
    assert near[:2].tolist() == [0, 1]
    assert np.isnan(near[2])  # never met anything


def test_without_events_nothing_is_known() -> None:
    assert np.isnan(rank_nearness(np.zeros((3, 3)))).all()


@pytest.mark.parametrize("seed", [0, 1])
def test_the_order_of_a_scene_is_that_of_its_true_depth(seed: int) -> None:
    scene = make_scene(seed, SceneSettings())
    count = int(scene.instances.max()) + 1
    counted = np.zeros((count, count))
    for first in range(len(scene) - 1):
        pair = scene_artifacts.make_flow_pair(scene, first, 0.5)
        motion = FramePairMotion(pair.forward, pair.backward, pair.valid, pair.valid_backward)
        counted += count_occlusions(scene.instances[first], scene.instances[first + 1], motion, count)
    near = rank_nearness(counted)
    there = [n for n in range(count) if (scene.instances == n).any() and np.isfinite(near[n])]
    depth = [np.median(scene.depth[scene.instances == n]) for n in there]
    statistic, _ = spearmanr(near[there], depth)
    assert statistic < -0.8
