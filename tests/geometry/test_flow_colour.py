from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.geometry.flow_colour import flow_to_rgb, make_colour_wheel, render_colour_legend

unhurried = settings(deadline=None)  # no time is asserted in tests

RED, YELLOW, GREEN, CYAN, BLUE, MAGENTA = (
    (255, 0, 0),
    (255, 255, 0),
    (0, 255, 0),
    (0, 255, 255),
    (0, 0, 255),
    (255, 0, 255),
)


def reference(fx: float, fy: float) -> tuple[int, ...]:
    """The authors' colour code, pixel by pixel: components in units of the longest vector."""
    wheel = [
        *((255, 255 * n // 15, 0) for n in range(15)),
        *((255 - 255 * n // 6, 255, 0) for n in range(6)),
        *((0, 255, 255 * n // 4) for n in range(4)),
        *((0, 255 - 255 * n // 11, 255) for n in range(11)),
        *((255 * n // 13, 0, 255) for n in range(13)),
        *((255, 0, 255 - 255 * n // 6) for n in range(6)),
    ]
    radius = math.hypot(fx, fy)
    turn = (math.atan2(-fy, -fx) / math.pi + 1) / 2 * (len(wheel) - 1)
    low = int(turn)
    pixel = []
    for channel in range(3):
        between = (1 - turn + low) * wheel[low][channel] + (turn - low) * wheel[(low + 1) % len(wheel)][channel]
        shade = between / 255
        shade = 1 - radius * (1 - shade) if radius <= 1 else shade * 0.75
        pixel.append(int(255 * shade))
    return tuple(pixel)


def colour_of(x: float, y: float, max_px: float | None = 1) -> np.ndarray:
    return flow_to_rgb(np.full((1, 1, 2), (x, y), np.float32), max_px)[0, 0].astype(int)


@unhurried
@given(st.floats(-1.5, 1.5), st.floats(-1.5, 1.5))
def test_colours_are_those_of_the_authors_code(x, y):
    if 0.999 < math.hypot(x, y) < 1.001:
        return  # the step between saturated and darkened, which rounding decides
    x, y = float(np.float32(x)), float(np.float32(y))
    assert np.abs(colour_of(x, y) - reference(x, y)).max() <= 1  # single against double precision


def test_the_wheel_has_55_hues_in_the_usual_order():
    wheel = make_colour_wheel()
    assert wheel.shape == (55, 3)
    corners = [tuple(map(int, wheel[n])) for n in np.cumsum([0, 15, 6, 4, 11, 13])]
    assert corners == [RED, YELLOW, GREEN, CYAN, BLUE, MAGENTA]
    assert ((wheel == 255).any(axis=1) & (wheel == 0).any(axis=1)).all()  # all fully saturated
    assert len(np.unique(wheel, axis=0)) == 55


@pytest.mark.parametrize(("x", "y", "channels"), [(1, 0, "r"), (0, 1, "rg"), (-1, 0, "gb"), (0, -1, "b")])
def test_right_is_red_down_yellow_left_cyan_and_up_violet(x, y, channels):
    colour = dict(zip("rgb", colour_of(x, y), strict=True))
    assert all(colour[c] > 180 for c in channels)
    assert all(colour[c] < 130 for c in set("rgb") - set(channels))


def test_no_motion_is_white_and_unknown_is_black():
    flow = np.zeros((1, 3, 2), np.float32)
    flow[0, 1] = np.nan
    where = np.array([[True, True, False]])
    assert flow_to_rgb(flow, 1, where).tolist() == [[[255] * 3, [0] * 3, [0] * 3]]
    assert (flow_to_rgb(np.zeros((2, 2, 2), np.float32)) == 255).all()


@unhurried
@given(st.floats(0.1, 50), st.integers(0, 2**32 - 1))
def test_a_picture_scaled_to_its_longest_vector_does_not_change_with_the_unit(scale, seed):
    flow = np.random.default_rng(seed).normal(size=(5, 6, 2)).astype(np.float32)
    # The longest vector itself sits on the step between saturated and darkened.
    longest = np.hypot(*flow.transpose(2, 0, 1)).argmax()
    first, second = (flow_to_rgb(f.astype(np.float32)).reshape(-1, 3).astype(int) for f in (flow, scale * flow))
    assert np.delete(np.abs(first - second), longest, axis=0).max() <= 1


def test_longer_than_the_given_length_is_darker():
    assert colour_of(2, 0, 1).max() == int(255 * 0.75)


def test_the_legend_shows_each_direction_where_it_points():
    disc = render_colour_legend(101)
    assert disc.shape == (101, 101, 3)
    assert (disc[0, 0] == 255).all()  # outside the disc
    assert (disc[50, 50] == 255).all()  # no motion
    for x, y in ((0.9, 0), (0, 0.9), (-0.6, 0.6), (0.5, -0.5)):
        assert np.abs(disc[round(50 + 50 * y), round(50 + 50 * x)].astype(int) - colour_of(x, y)).max() <= 1
