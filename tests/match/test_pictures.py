"""Agreement of flows, and pictures of matches."""

from __future__ import annotations

import numpy as np

from tasks.geometry.agreement import agreement, mean_agreement
from tasks.geometry.match_picture import (
    GAP,
    UNKNOWN_GREY,
    agreement_to_rgb,
    beside,
    boxes_joined,
    flows_beside,
    points_joined,
    spread,
)


def test_agreement_halves_a_unit_apart_and_is_not_known_where_a_flow_is_not() -> None:
    first = np.zeros((1, 4, 2), np.float32)
    second = np.array([[[0, 0], [0, 8], [-24, 0], [np.nan, np.nan]]], np.float32)
    found = agreement(first, second, unit_px=8)
    assert found[0, :3].tolist() == [1, 0.5, 0.25]
    assert np.isnan(found[0, 3])
    assert abs(mean_agreement(found) - 1.75 / 3) < 1e-6
    assert np.isnan(mean_agreement(found[:, 3:]))


def test_two_flows_stand_side_by_side_in_one_scale() -> None:
    slow = np.broadcast_to(np.float32([1, 0]), (6, 8, 2))
    fast = np.broadcast_to(np.float32([10, 0]), (48, 64, 2)).copy()
    fast[:8] = np.nan
    picture = flows_beside(slow, fast, height=96)
    assert len(picture) == 96
    left, right = picture[50, 10].astype(int), picture[50, -10].astype(int)
    assert left[1] > 200 > right[1]  # both red, the slow one pale
    assert (picture[2, -10] == 0).all()


def test_agreement_is_blue_where_flows_agree_red_where_not_grey_where_unknown() -> None:
    picture = agreement_to_rgb(np.array([[1.0, 0.0, np.nan]], np.float32), height=4)
    assert picture.shape == (4, 12, 3)
    assert picture[0, 0, 2] > picture[0, 0, 0]
    assert picture[0, 5, 0] > picture[0, 5, 2]
    assert (picture[0, -1] == UNKNOWN_GREY).all()


def test_a_line_joins_a_point_with_its_match_in_the_other_image() -> None:
    black = np.zeros((40, 50, 3), np.uint8)
    picture = points_joined(black, black, np.float32([[10, 20]]), np.float32([[30, 20]]))
    assert picture.shape == (40, 100 + GAP, 3)
    line = picture[20, 10 : 30 + 50 + GAP + 1]
    assert (line.max(axis=1) > 0).all()
    assert (picture[5, :50] == 0).all()


def test_images_of_different_heights_are_centred_and_lines_follow() -> None:
    low, high = np.zeros((20, 30, 3), np.uint8), np.zeros((40, 30, 3), np.uint8)
    assert beside([low, high]).shape == (40, 60 + GAP, 3)
    for first, second in ((low, high), (high, low)):
        picture = points_joined(first, second, np.float32([[15, 10]]), np.float32([[15, 10]]))
        for image, left in ((first, 0), (second, 30 + GAP)):
            top = (40 - len(image)) // 2
            assert picture[top + 10, left + 15].max() > 0


def test_regions_are_framed_and_joined() -> None:
    black = np.zeros((60, 80, 3), np.uint8)
    box = np.float32([[10, 20, 30, 50]])
    picture = boxes_joined(black, black, box, box, ["hand 0.98"])
    assert picture[35, 10].max() > 0 and picture[35, 80 + GAP + 30].max() > 0
    assert (boxes_joined(black, black, box[:0], box[:0], []) == beside([black, black])).all()


def test_chosen_cells_are_sure_and_spread() -> None:
    confidence = np.zeros((20, 30), np.float32)
    confidence[:, :15] = np.random.default_rng(0).random((20, 15))
    cells = spread(confidence, 0.5, 24)
    y, x = np.divmod(cells, 30)
    assert 8 <= len(cells) <= 24
    assert (confidence.reshape(-1)[cells] >= 0.5).all()
    assert np.ptp(y) > 10 and x.max() < 15
