"""The affine motion around each cell: exact where there is one, and nothing taken over from other objects."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.match.local_affine import MAX_CHANGE_CELLS, fit_local_affine

H, W = 18, 24
Y, X = np.mgrid[:H, :W].astype(np.float32)
SURE = np.ones((H, W), np.float32)


def affine(shift: tuple[float, float], turn: float, scale: float) -> np.ndarray:
    """Displacement of a turn and a scaling about the middle, and a shift."""
    x, y = X - W / 2, Y - H / 2
    return np.stack([shift[0] + scale * x - turn * y, shift[1] + turn * x + scale * y], axis=2).astype(np.float32)


@settings(max_examples=20, deadline=None)
@given(dx=st.floats(-9, 9), dy=st.floats(-9, 9), radius=st.integers(0, 4))
def test_cells_that_all_move_alike_stay_as_they_are(dx: float, dy: float, radius: int) -> None:
    moved = affine((dx, dy), 0, 0)
    np.testing.assert_allclose(fit_local_affine(moved, SURE, radius), moved, atol=1e-5)


def test_noise_of_half_a_cell_falls_to_a_quarter_under_rotation_and_zoom() -> None:
    moved = affine((3.2, -1.7), 0.2, 0.15)
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, moved.shape).astype(np.float32)
    error = fit_local_affine(moved + noise, SURE, 3) - moved
    assert np.sqrt(np.square(error).mean()) < np.sqrt(np.square(noise).mean()) / 2
    inner = np.s_[4:-4, 4:-4]
    assert np.sqrt(np.square(error[inner]).mean()) < np.sqrt(np.square(noise[inner]).mean()) / 4


def test_the_border_between_two_motions_stays_sharp() -> None:
    moved = np.where(X[..., None] < W // 2, [6.0, 0.0], [-6.0, 2.0]).astype(np.float32)
    np.testing.assert_allclose(fit_local_affine(moved, SURE, 3), moved, atol=0.1)


def test_unsure_neighbours_hardly_count() -> None:
    moved = affine((2, 1), 0, 0)
    sure = SURE.copy()
    moved[6:9, 6:9] += np.random.default_rng(1).uniform(-1, 1, (3, 3, 2)).astype(np.float32)
    moved[7, 7] = [2, 1]
    sure[6:9, 6:9] = 0.02
    sure[7, 7] = 1
    assert np.abs(fit_local_affine(moved, sure, 3)[7, 7] - [2, 1]).max() < 0.03


def test_no_match_moves_further_than_the_bound() -> None:
    wild = np.random.default_rng(2).uniform(-8, 8, (H, W, 2)).astype(np.float32)
    change = fit_local_affine(wild, SURE, 3) - wild
    assert np.hypot(*np.moveaxis(change, 2, 0)).max() <= MAX_CHANGE_CELLS + 1e-5


def test_a_cell_alone_is_its_own_fit() -> None:
    one = np.full((1, 1, 2), 3.5, np.float32)
    np.testing.assert_allclose(fit_local_affine(one, np.ones((1, 1), np.float32), 3), one, atol=1e-6)
