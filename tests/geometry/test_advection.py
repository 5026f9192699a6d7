"""Points carried along a flow."""

from __future__ import annotations

import numpy as np

from tasks.geometry.advection import advect_points
from tasks.geometry.warp import pixel_grid

WHOLE = np.ones((20, 30), np.bool_)


def field(x: float, y: float) -> np.ndarray:
    return np.broadcast_to(np.array([x, y], np.float32), (20, 30, 2)).copy()


def test_a_point_takes_the_flow_between_the_pixels_around_it() -> None:
    growing = pixel_grid(20, 30) * np.float32(0.5)
    places = np.array([[[4.25, 6.5], [10, 3.75]]], np.float32)
    assert np.allclose(advect_points(places, growing, WHOLE), places * 1.5, atol=0.02)


def test_a_point_is_lost_where_flow_is_not_valid_and_outside() -> None:
    valid = WHOLE.copy()
    valid[:, :10] = False
    places = np.array([[[5, 5], [15, 5], [28, 5]]], np.float32)
    once = advect_points(places, field(5, 0), valid)
    assert np.isnan(once[0, 0]).all()
    assert once[0, 1].tolist() == [20, 5]
    twice = advect_points(once, field(0, 0), WHOLE)
    assert np.isnan(twice[0, [0, 2]]).all()
    assert twice[0, 1].tolist() == [20, 5]
