"""Motion and cloth of the layers of a scene."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.synthetic.scene.actor_motion import ActorMotion, make_still_motion
from tasks.synthetic.scene.layer_texture import MAX_FREQUENCY, TEXTURE_SIDE, draw_texture

DARK, LIGHT = np.array([20.0, 40, 60]), np.array([200.0, 180, 160])


@given(st.floats(-50, 50), st.floats(-50, 50), st.floats(-3, 3), st.floats(0.5, 2), st.floats(-6, 6), st.floats(-6, 6))
def test_the_inverse_brings_every_point_back(
    x: float, y: float, angle: float, scale: float, bend_x: float, bend_y: float
) -> None:
    one = np.ones(1)
    motion = ActorMotion(
        np.array([[7.0, -3]]), angle * one, scale * one, bend_x * one, bend_y * one, 0.14, np.array([[2.0, 1]])
    )
    points = np.array([[x, y], [0, 0], [y, x]])
    moved = motion.to_plane(0, points)
    np.testing.assert_allclose(motion.to_layer(0, moved), points, atol=1e-9)
    straight = points * scale @ np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]]) + (7, -3)
    assert np.abs(moved - straight).max() <= scale * np.hypot(bend_x, bend_y) + 1e-9
    assert motion.max_bend_px() == max(abs(bend_x), abs(bend_y))


def test_a_still_motion_shifts_to_its_centre_in_every_frame() -> None:
    motion = make_still_motion(3, (5.0, 6.0))
    for frame in range(3):
        np.testing.assert_allclose(motion.to_plane(frame, np.array([[1.0, 2]])), [[6, 8]])


def test_cloth_lies_between_its_colours_repeats_and_has_no_fine_structure() -> None:
    cloth = draw_texture(np.random.default_rng(0), (DARK, LIGHT), 0.3)
    assert (cloth.tile[..., 0] >= 20).all()
    assert (cloth.tile[..., 0] <= 200).all()
    at = np.array([[3.25, 4.5], [10.0, 20.0]])
    np.testing.assert_allclose(cloth.sample(at), cloth.sample(at + TEXTURE_SIDE))
    assert cloth.sample(at)[1] == pytest.approx(cloth.tile[20, 10])
    grey = cloth.tile[..., 0] - cloth.tile[..., 0].mean()
    power = np.abs(np.fft.fft2(grey)) ** 2
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(TEXTURE_SIDE), np.fft.fftfreq(TEXTURE_SIDE)))
    assert power[frequency > MAX_FREQUENCY].sum() < 0.01 * power.sum()  # clipping and rounding alone
