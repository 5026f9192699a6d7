"""Box arithmetic."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.geometry.bounding_boxes import box_area, cxcywh_to_xyxy, pairwise_iou, xyxy_to_cxcywh


@st.composite
def boxes(draw: st.DrawFn) -> np.ndarray:
    n = draw(st.integers(0, 6))
    number = st.integers(0, 20).map(float)
    rows = draw(st.lists(st.tuples(number, number, number, number), min_size=n, max_size=n))
    corners = np.array(rows, float).reshape(n, 4)
    return np.concatenate([np.minimum(corners[:, :2], corners[:, 2:]), np.maximum(corners[:, :2], corners[:, 2:])], 1)


def painted(box: np.ndarray) -> np.ndarray:
    """The unit cells a box of whole numbers covers."""
    canvas = np.zeros((20, 20), bool)
    x1, y1, x2, y2 = box.astype(int)
    canvas[y1:y2, x1:x2] = True
    return canvas


@given(boxes(), boxes())
def test_overlap_is_what_counting_cells_gives(first: np.ndarray, second: np.ndarray) -> None:
    iou = pairwise_iou(first, second)
    assert iou.shape == (len(first), len(second))
    for i, a in enumerate(first):
        for j, b in enumerate(second):
            union = (painted(a) | painted(b)).sum()
            assert iou[i, j] == pytest.approx((painted(a) & painted(b)).sum() / union if union else 0)


@given(boxes())
def test_there_and_back(xyxy: np.ndarray) -> None:
    np.testing.assert_allclose(cxcywh_to_xyxy(xyxy_to_cxcywh(xyxy)), xyxy)
    np.testing.assert_allclose(box_area(xyxy), np.prod(xyxy_to_cxcywh(xyxy)[:, 2:], axis=1))


def test_a_negative_size_is_no_size() -> None:
    np.testing.assert_array_equal(cxcywh_to_xyxy(np.array([5.0, 5, -2, 4])), [5, 3, 5, 7])


def test_inputs_stay_as_they_were() -> None:
    first, second = np.array([[0.0, 0, 4, 4]]), np.array([[2.0, 2, 6, 6]])
    assert pairwise_iou(first, second)[0, 0] == pytest.approx(4 / 28)
    np.testing.assert_array_equal(first, [[0, 0, 4, 4]])
    np.testing.assert_array_equal(second, [[2, 2, 6, 6]])
