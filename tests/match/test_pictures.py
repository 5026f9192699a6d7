"""Agreement of flows, and what pictures of matches are made of."""

from __future__ import annotations

import numpy as np

from tasks.geometry.flow_agreement import compute_agreement, mean_agreement
from tasks.geometry.match_rendering import UNKNOWN_GREY, agreement_to_rgb, select_spread_cells


def test_agreement_halves_a_unit_apart_and_is_not_known_where_a_flow_is_not() -> None:
    first = np.zeros((1, 4, 2), np.float32)
    second = np.array([[[0, 0], [0, 8], [-24, 0], [np.nan, np.nan]]], np.float32)
    found = compute_agreement(first, second, unit_px=8)
    assert found[0, :3].tolist() == [1, 0.5, 0.25]
    assert np.isnan(found[0, 3])
    assert abs(mean_agreement(found) - 1.75 / 3) < 1e-6
    assert np.isnan(mean_agreement(found[:, 3:]))


def test_agreement_is_blue_where_flows_agree_red_where_not_grey_where_unknown() -> None:
    picture = agreement_to_rgb(np.array([[1.0, 0.0, np.nan]], np.float32))
    assert picture.shape == (1, 3, 3)
    assert picture[0, 0, 2] > picture[0, 0, 0]
    assert picture[0, 1, 0] > picture[0, 1, 2]
    assert (picture[0, -1] == UNKNOWN_GREY).all()


def test_chosen_cells_are_sure_and_spread() -> None:
    confidence = np.zeros((20, 30), np.float32)
    confidence[:, :15] = np.random.default_rng(0).random((20, 15))
    cells = select_spread_cells(confidence, 0.5, 24)
    y, x = np.divmod(cells, 30)
    assert 8 <= len(cells) <= 24
    assert (confidence.reshape(-1)[cells] >= 0.5).all()
    assert np.ptp(y) > 10 and x.max() < 15
