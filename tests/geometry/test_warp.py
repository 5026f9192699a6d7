from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import map_coordinates

from tasks.geometry.warp import find_targets_inside, pixel_grid, take_every, target_points, warp_image

unhurried = settings(deadline=None)  # no time is asserted in tests

HEIGHT, WIDTH = 13, 17


def constant(x: float, y: float) -> np.ndarray:
    return np.full((HEIGHT, WIDTH, 2), (x, y), np.float32)


def smooth(seed: int, length: float) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(size=(HEIGHT, WIDTH, 2)).astype(np.float32)
    return length * cv2.GaussianBlur(noise, (0, 0), 3)


@unhurried
@given(st.integers(-20, 20), st.integers(-20, 20), st.integers(0, 2**32 - 1))
def test_a_whole_pixel_flow_copies_pixels_exactly(x, y, seed):
    image = np.random.default_rng(seed).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
    rows = np.clip(np.arange(HEIGHT) + y, 0, HEIGHT - 1)
    columns = np.clip(np.arange(WIDTH) + x, 0, WIDTH - 1)
    np.testing.assert_array_equal(warp_image(image, constant(x, y)), image[np.ix_(rows, columns)])


@unhurried
@given(st.floats(-3, 3, width=32), st.floats(-3, 3, width=32))
def test_pixel_centres_lie_at_integers_so_a_ramp_gives_the_target_itself(x, y):
    ramp = pixel_grid(HEIGHT, WIDTH)
    flow = constant(x, y)
    inner = (slice(4, -4), slice(4, -4))
    # OpenCV samples at 1/32 px: at most half a step away from the target on each axis.
    np.testing.assert_allclose(warp_image(ramp, flow)[inner], target_points(flow)[inner], atol=1 / 64 + 1e-5)


@unhurried
@given(st.integers(0, 2**32 - 1), st.floats(0, 30))
def test_warp_agrees_with_scipys_interpolation(seed, length):
    image = cv2.GaussianBlur(np.random.default_rng(seed).uniform(0, 255, (HEIGHT, WIDTH)).astype(np.float32), (0, 0), 1)
    flow = smooth(seed, length)
    x, y = np.clip(target_points(flow), 0, (WIDTH - 1, HEIGHT - 1)).transpose(2, 0, 1)
    reference = map_coordinates(image.astype(np.float64), [y, x], order=1, mode="nearest")
    steepest = max(np.abs(np.diff(image, axis=axis)).max() for axis in (0, 1))
    np.testing.assert_allclose(warp_image(image, flow), reference, atol=steepest / 32 + 0.01)


def test_warp_agrees_with_remap_given_coordinates_one_by_one():
    image = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
    flow = smooth(1, 10)
    x, y = np.meshgrid(np.arange(WIDTH, dtype=np.float32), np.arange(HEIGHT, dtype=np.float32))
    expected = cv2.remap(image, x + flow[..., 0], y + flow[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    np.testing.assert_array_equal(warp_image(image, flow), expected)


@unhurried
@given(st.integers(0, 2**32 - 1), st.floats(0, 30))
def test_no_value_appears_that_the_image_has_not(seed, length):
    image = np.random.default_rng(seed).uniform(-5, 5, (HEIGHT, WIDTH)).astype(np.float32)
    warped = warp_image(image, smooth(seed, length))
    assert image.min() - 1e-5 <= warped.min()
    assert warped.max() <= image.max() + 1e-5


@pytest.mark.parametrize(
    ("flow", "inside"),
    [((0, 0), (13, 17)), ((1, 0), (13, 16)), ((-2, 0), (13, 15)), ((0, 3), (10, 17)), ((0.4, -0.4), (13, 17))],
)
def test_targets_up_to_half_a_pixel_beyond_the_outermost_centres_are_inside(flow, inside):
    found = find_targets_inside(constant(*flow))
    assert (found.any(axis=1).sum(), found.any(axis=0).sum()) == inside


def test_nothing_lands_inside_when_everything_leaves():
    assert not find_targets_inside(constant(2 * WIDTH, 0)).any()


def test_the_grid_is_x_then_y_and_cannot_be_written():
    grid = pixel_grid(2, 3)
    np.testing.assert_array_equal(grid[1, 2], (2, 1))
    with pytest.raises(ValueError, match="read-only"):
        grid[0, 0] = 1


@pytest.mark.parametrize("step", [1, 2, 3])
def test_every_step_th_vector_is_taken_in_both_directions(step):
    flow = smooth(3, 5)
    for field in (flow, flow[:, ::-1]):
        np.testing.assert_array_equal(take_every(field, step), field[::step, ::step])
