"""Steps between neighbouring frames: what they take along, and what speaks against them."""

from __future__ import annotations

import numpy as np
import pytest

from tasks.sequence.backward_warp import compute_backward_warp
from tasks.sequence.flow_trajectory import WarpField, compose_warp_fields
from tasks.sequence.frame_pair_motion import FramePairMotion

SIZE = 24, 40
TOP, BOTTOM, LEFT, SIDE = 8, 16, 6.0, 8
SPEED = 1.5


def square(frame: int) -> np.ndarray:
    """(h, w) pixels whose centre lies on a square that moves right by a pixel and a half per frame."""
    y, x = np.mgrid[: SIZE[0], : SIZE[1]]
    left = LEFT + SPEED * frame
    return (y >= TOP) & (y < BOTTOM) & (x >= left) & (x < left + SIDE)


def sliding(frame: int) -> FramePairMotion:
    """From one frame to the next, exact: what the square hides or uncovers is not valid."""
    now, after = square(frame), square(frame + 1)
    forward, backward = np.zeros((2, *SIZE, 2), np.float32)
    forward[now, 0], backward[after, 0] = SPEED, -SPEED
    return FramePairMotion(forward, backward, now | ~after, after | ~now)


def test_a_trail_keeps_to_its_own_side_of_an_edge() -> None:
    trail = WarpField.identity(*SIZE)
    for frame in range(12):
        trail = trail.compose_with(compute_backward_warp(sliding(frame), True))
    own = square(12)
    assert np.allclose(trail.positions[own], np.argwhere(own)[:, ::-1] - (12 * SPEED, 0), atol=0.02)
    assert (trail.trust[own] > 0.98**13).all()


def test_weights_are_those_of_a_mean_over_four_where_all_go_the_same_way() -> None:
    flow = np.full((*SIZE, 2), (0.25, -0.5), np.float32)
    sure = np.ones(SIZE, np.bool_)
    step = compute_backward_warp(FramePairMotion(-flow, flow, sure, sure), True)
    x, y = np.meshgrid(np.arange(SIZE[1], dtype=np.float32), np.arange(SIZE[0], dtype=np.float32))
    plane = 3 * x - 2 * y
    assert np.allclose(step.warp_values(plane)[1:-1, 1:-1], (plane + 3 * 0.25 + 2 * 0.5)[1:-1, 1:-1], atol=1e-2)
    assert np.allclose(step.corner_weight.sum(axis=-1), 1, atol=1e-6)


@pytest.mark.parametrize("density", [True, False])
def test_hidden_points_are_trusted_only_without_the_opacity_prior(density: bool) -> None:
    motion = sliding(0)
    trust = compute_backward_warp(motion, density).trust[~motion.valid_backward]
    assert len(trust)
    assert (trust == 0).all() if density else (trust > 0).all()


def test_noise_that_is_everywhere_is_no_reason_to_trust_nothing() -> None:
    sure = np.ones(SIZE, np.bool_)
    noise = np.random.default_rng(0).normal(0, 2, (2, *SIZE, 2)).astype(np.float32)
    assert np.median(compute_backward_warp(FramePairMotion(noise[0], noise[1], sure, sure), True).trust) > 0.3


def pictures(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """The earlier and the later image: a bright square that moved two pixels to the right over a dark ground."""
    ground = rng.uniform(0, 80, (*SIZE, 3))
    cloth = rng.uniform(120, 250, (BOTTOM - TOP, SIDE, 3))
    earlier, later = ground.copy(), ground.copy()
    earlier[TOP:BOTTOM, 6 : 6 + SIDE], later[TOP:BOTTOM, 8 : 8 + SIDE] = cloth, cloth
    return earlier, later


def test_ground_that_flow_carries_along_with_a_thing_is_found_by_its_looks() -> None:
    earlier, later = pictures(np.random.default_rng(0))
    backward = np.zeros((*SIZE, 2), np.float32)
    backward[TOP - 3 : BOTTOM + 3, 5 : 8 + SIDE + 3, 0] = -2  # flow that is smooth across the edge
    sure = np.ones(SIZE, np.bool_)
    forward = np.full_like(backward, 0)
    forward[TOP - 3 : BOTTOM + 3, 3 : 8 + SIDE + 1, 0] = 2
    motion = FramePairMotion(forward, backward, sure, sure)
    wrong = np.zeros(SIZE, np.bool_)
    wrong[TOP:BOTTOM, 8 + SIDE : 8 + SIDE + 3] = True
    right = np.zeros(SIZE, np.bool_)
    right[TOP + 2 : BOTTOM - 2, 11 : 6 + SIDE - 1] = True
    by_flow, by_looks = compute_backward_warp(motion, True), compute_backward_warp(motion, True, (later, earlier))
    assert by_flow.trust[wrong].min() > 0.9
    assert by_looks.trust[wrong].max() < 0.1 < 0.5 < by_looks.trust[right].min()
    assert by_looks.mismatch[wrong].min() > by_looks.mismatch[:3].max()


def test_fields_and_values_warped_together_are_those_warped_one_by_one() -> None:
    step = compute_backward_warp(sliding(0), True)
    field = WarpField.identity(*SIZE).compose_with(compute_backward_warp(sliding(1), True))
    values = np.random.default_rng(0).random((*SIZE, 3), np.float32)
    (first, second), warped = compose_warp_fields(step, [WarpField.identity(*SIZE), field], values)
    np.testing.assert_array_equal(warped, step.warp_values(values))
    np.testing.assert_allclose(first.positions, step.positions, atol=1e-5)
    alone = field.compose_with(step)
    np.testing.assert_array_equal(second.positions, alone.positions)
    np.testing.assert_array_equal(second.trust, alone.trust)


def test_a_sparse_product_is_the_weighted_sum_over_corners() -> None:
    noise = np.random.default_rng(1).normal(0, 3, (2, *SIZE, 2)).astype(np.float32)
    sure = np.ones(SIZE, np.bool_)
    step = compute_backward_warp(FramePairMotion(noise[0], noise[1], sure, sure), True)
    values = np.random.default_rng(2).random((*SIZE, 4), np.float32)
    expected = (step.corner_weight[..., None] * values.reshape(-1, 4)[step.corner_index]).sum(axis=2)
    np.testing.assert_allclose(step.warp_values(values), expected, atol=1e-5)
    np.testing.assert_allclose(step.warp_values(values[..., 0]), expected[..., 0], atol=1e-5)
