from __future__ import annotations

import cv2
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import map_coordinates

from tasks.geometry.forward_backward import find_consistent_pixels

unhurried = settings(deadline=None)  # no time is asserted in tests

HEIGHT, WIDTH = 24, 32


def constant(x: float, y: float) -> np.ndarray:
    return np.full((HEIGHT, WIDTH, 2), (x, y), np.float32)


def reference(there: np.ndarray, back: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sundaram et al.'s inequality pixel by pixel: whether it holds, and how far from equality it is."""
    holds, margin = np.zeros((HEIGHT, WIDTH), bool), np.zeros((HEIGHT, WIDTH))
    for row in range(HEIGHT):
        for column in range(WIDTH):
            w = there[row, column].astype(float)
            x, y = column + w[0], row + w[1]
            at = [[np.clip(y, 0, HEIGHT - 1)], [np.clip(x, 0, WIDTH - 1)]]
            v = np.array([map_coordinates(back[..., k].astype(float), at, order=1)[0] for k in (0, 1)])
            margin[row, column] = 0.01 * (w @ w + v @ v) + 0.5 - (w + v) @ (w + v)
            inside = -0.5 <= x <= WIDTH - 0.5 and -0.5 <= y <= HEIGHT - 0.5
            holds[row, column] = inside and margin[row, column] > 0
    return holds, margin


@settings(unhurried, max_examples=30)
@given(st.integers(0, 2**32 - 1), st.floats(0.5, 30))
def test_it_is_the_inequality_of_the_paper(seed, length):
    random = np.random.default_rng(seed)
    there, noise = (cv2.GaussianBlur(random.normal(size=(HEIGHT, WIDTH, 2)), (0, 0), 4) for _ in range(2))
    there = (length * there).astype(np.float32)
    back = (-there + 4 * noise).astype(np.float32)
    holds, margin = reference(there, back)
    clear = np.abs(margin) > 0.05 * (1 + length)  # warping samples at 1/32 px, which decides the close ones
    np.testing.assert_array_equal(find_consistent_pixels(there, back)[clear], holds[clear])


@unhurried
@given(st.integers(-10, 10), st.integers(-10, 10))
def test_a_translation_is_consistent_wherever_it_stays_in_the_image(x, y):
    found = find_consistent_pixels(constant(x, y), constant(-x, -y))
    assert found.sum() == (WIDTH - abs(x)) * (HEIGHT - abs(y))


def test_what_gets_hidden_is_found():
    # A square of 8 x 8 moves right by 6 over a still background: it comes to lie on 6 columns of background.
    there, back = constant(0, 0), constant(0, 0)
    there[8:16, 8:16] = (6, 0)
    back[8:16, 14:22] = (-6, 0)
    hidden = np.zeros((HEIGHT, WIDTH), bool)
    hidden[8:16, 16:22] = True
    np.testing.assert_array_equal(find_consistent_pixels(there, back), ~hidden)


def test_the_tolerance_grows_with_the_motion():
    slow = find_consistent_pixels(constant(1, 0), constant(-2, 0))
    fast = find_consistent_pixels(constant(10, 0), constant(-11, 0))
    assert not slow.any()
    assert fast[:, :-11].all()


def test_flows_that_do_not_return_are_nowhere_consistent():
    assert not find_consistent_pixels(constant(3, 0), constant(3, 0)).any()


@unhurried
@given(st.integers(-10, 10), st.integers(-10, 10))
def test_vectors_two_pixels_apart_return_like_those_of_every_pixel(x, y):
    coarse = [field[::2, ::2].copy() for field in (constant(2 * x, 2 * y), constant(-2 * x, -2 * y))]
    found = find_consistent_pixels(*coarse, spacing=2)
    every = find_consistent_pixels(constant(2 * x, 2 * y), constant(-2 * x, -2 * y))
    np.testing.assert_array_equal(found.repeat(2, axis=0).repeat(2, axis=1), every)
