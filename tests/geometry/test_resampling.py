"""Pixels to cells and back."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tasks.geometry.cell_grid import CellGrid
from tasks.geometry.resampling import resample_to_cells, resample_to_pixels, rescale_grid


def grid(rows: int = 5, columns: int = 8, step: float = 8.0) -> CellGrid:
    return CellGrid(rows, columns, step, step, 0.0, 0.0)


@given(st.integers(1, 6), st.integers(1, 6), st.floats(0, 1))
def test_a_constant_stays_a_constant(rows: int, columns: int, value: float) -> None:
    field = np.full((8 * rows, 8 * columns), value)
    cells = resample_to_cells(field, grid(rows, columns))
    np.testing.assert_allclose(cells, value, atol=1e-6)
    np.testing.assert_allclose(resample_to_pixels(cells, grid(rows, columns), *field.shape), value, atol=1e-6)


def test_a_cell_is_the_mean_of_the_pixels_it_covers() -> None:
    """Cells of 4 pixels whose centres lie between pixels cover them whole, so that the mean is that of blocks."""
    field = np.random.default_rng(0).random((12, 20))
    blocks = field.reshape(3, 4, 5, 4).mean(axis=(1, 3))
    np.testing.assert_allclose(resample_to_cells(field, CellGrid(3, 5, 4.0, 4.0, 1.5, 1.5)), blocks, atol=1e-6)


def test_pixels_beyond_the_outermost_cells_belong_to_them() -> None:
    mask = np.zeros((40, 64), bool)
    mask[:, 60:] = True  # the last cell's own eight pixels are 52..60
    cells = resample_to_cells(mask, grid())
    assert cells[:, -1].min() > 0.3
    assert not cells[:, :-1].any()


def test_a_ramp_is_drawn_as_a_ramp_and_read_back() -> None:
    where = grid()
    x = np.arange(64.0)[None].repeat(40, 0)
    drawn = resample_to_pixels(where.cell_centres()[..., 0], where, 40, 64)
    np.testing.assert_allclose(drawn[:, :57], x[:, :57], atol=1e-3)
    inner = np.s_[1:-1, 1:-1]
    np.testing.assert_allclose(resample_to_cells(x, where)[inner], where.cell_centres()[inner][..., 0], atol=1e-3)


def test_cells_keep_their_place_on_a_larger_picture() -> None:
    """A pixel's edges, not its centre, scale with a picture: x + 1/2 becomes s (x + 1/2)."""
    larger = rescale_grid(grid(), 40, 64, 60, 96)
    np.testing.assert_allclose((larger.cell_centres() + 0.5) / 1.5 - 0.5, grid().cell_centres(), atol=1e-5)
