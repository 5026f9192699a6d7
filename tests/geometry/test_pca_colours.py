"""Vectors as colours."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tasks.geometry.pca_colours import fit_palette


def cells(seed: int = 0, n: int = 400) -> np.ndarray:
    """Three groups of vectors with a little noise."""
    rng = np.random.default_rng(seed)
    middles = np.eye(3, 6) * np.array([[3], [2], [1]])
    return (middles[rng.integers(0, 3, n)] + rng.normal(0, 0.05, (n, 6))).astype(np.float16)


@given(st.integers(0, 50))
def test_the_order_of_cells_does_not_matter(seed: int) -> None:
    sample = cells(seed)
    shuffled = sample[np.random.default_rng(seed).permutation(len(sample))]
    one, other = fit_palette(sample).to_rgb(sample), fit_palette(shuffled).to_rgb(sample)
    assert np.abs(one.astype(int) - other).max() <= 1


def test_groups_get_colours_far_apart_and_their_own() -> None:
    sample = cells()
    group = np.asarray(sample, np.float32).argmax(axis=1)
    painted = fit_palette(sample).to_rgb(sample).astype(float)
    means = np.stack([painted[group == n].mean(axis=0) for n in range(3)])
    apart = np.linalg.norm(means[:, None] - means[None], axis=2)[np.triu_indices(3, 1)]
    within = max(painted[group == n, :2].std(axis=0).max() for n in range(3))
    assert apart.min() > 3 * within


def test_colours_reach_from_black_to_full_and_odd_cells_do_not_change_that() -> None:
    sample = np.concatenate([cells(), np.full((3, 6), 100, np.float16)])
    painted = fit_palette(sample).to_rgb(cells())
    assert np.ptp(painted[:, 1:].astype(int), axis=0).max() > 200


def test_axes_are_the_widest_first_and_signs_are_fixed() -> None:
    sample = cells()
    palette = fit_palette(sample)
    assert np.all(np.diff(((sample.astype(np.float32) - palette.mean) @ palette.axes).var(axis=0)) <= 1e-6)
    largest = np.abs(palette.axes).argmax(axis=0)
    assert np.all(palette.axes[largest, range(3)] > 0)


def test_nothing_and_few_dimensions_are_ordinary() -> None:
    assert not fit_palette(np.empty((0, 64), np.float16)).to_rgb(np.ones((2, 3, 64))).any()
    assert fit_palette(np.random.default_rng(0).random((9, 2))).to_rgb(np.ones((4, 5, 2))).shape == (4, 5, 3)
    assert fit_palette(np.ones((5, 4))).to_rgb(np.ones((5, 4))).dtype == np.uint8
