"""Layers that move by themselves, and their motion."""

from __future__ import annotations

import numpy as np

from tasks.motion_layers.motion_layer import MotionLayer, fit_affine_motion, transform_pixel_grid

HEIGHT, WIDTH = 60, 96


def test_a_layer_moves_on_as_it_last_did_where_it_is_not_seen() -> None:
    step = np.array([[1, 0, 4], [0, 1, 0], [0, 0, 1.0]])
    layer = MotionLayer({2: np.ones((HEIGHT, WIDTH), np.bool_)}, dict.fromkeys(range(8), step))
    at = transform_pixel_grid(layer.transform_between(2, 12), HEIGHT, WIDTH)  # ten frames on, four of them unseen
    assert np.allclose(at[30, 20], [20 + 40, 30], atol=0.01)
    back = transform_pixel_grid(layer.transform_between(12, 2) @ layer.transform_between(2, 12), HEIGHT, WIDTH)
    assert np.allclose(back[30, 20], [20, 30], atol=1e-3)


def test_an_affine_motion_is_found_though_some_vectors_are_wrong() -> None:
    truth = np.array([[1.05, -0.04, 2.0], [0.03, 0.97, -1.0], [0, 0, 1.0]])
    grid = np.stack(np.meshgrid(np.arange(WIDTH), np.arange(HEIGHT)), axis=2)
    flow = (transform_pixel_grid(truth, HEIGHT, WIDTH) - grid).astype(np.float32)
    flow[::7] = 20
    mask = np.zeros((HEIGHT, WIDTH), np.bool_)
    mask[20:38, 30:48] = True
    assert np.allclose(fit_affine_motion(flow, mask), truth, atol=0.01)
