"""Windows on a grid of cells."""

from __future__ import annotations

import numpy as np

from tasks.match.grid_cells import SearchWindow


def test_a_window_excludes_what_is_farther_in_either_coordinate_and_nothing_where_a_position_is_unknown() -> None:
    expected = np.array([[0, 0], [2, 1], [np.nan, np.nan]], np.float32)
    assert SearchWindow(expected, (2, 3), 1.0).mask_outside(slice(0, 3)).tolist() == [
        [False, False, True, False, False, True],
        [True, False, False, True, False, False],
        [False] * 6,
    ]


def test_the_listed_cells_are_those_that_the_mask_leaves_in_reading_order() -> None:
    rng = np.random.default_rng(0)
    expected = (rng.uniform(0, 1, (40, 2)) * [6, 4]).astype(np.float32)
    expected[:9] = np.rint(expected[:9])
    for radius in (0, 0.4, 1, 3):
        window = SearchWindow(expected, (5, 7), radius)
        listed = window.list_cells(slice(0, 40))
        left = [np.flatnonzero(~row).tolist() for row in window.mask_outside(slice(0, 40))]
        assert [row[row >= 0].tolist() for row in listed] == left
