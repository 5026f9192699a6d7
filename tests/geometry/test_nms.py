from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tasks.geometry.nms import non_maximum_suppression


def brute_force(xyxy, score, group, threshold, limit):
    """Pixel by pixel: boxes are on an integer grid, so areas are counts."""
    ranked = sorted(range(len(score)), key=lambda n: (-score[n], n))
    area = [{(x, y) for x in range(a, c) for y in range(b, d)} for a, b, c, d in xyxy.astype(int)]
    kept: list[int] = []
    for n in ranked:
        if all(
            group[n] != group[k] or not (both := area[n] | area[k]) or len(area[n] & area[k]) / len(both) <= threshold
            for k in kept
        ):
            kept.append(n)
    return kept[:limit]


@given(
    st.lists(
        st.tuples(st.integers(0, 6), st.integers(0, 6), st.integers(0, 5), st.integers(0, 5), st.integers(0, 4)),
        max_size=12,
    ),
    st.sampled_from([0.3, 0.5, 0.7]),
    st.integers(1, 12),
)
def test_what_is_kept_is_what_counting_pixels_keeps(rows, threshold, limit):
    table = np.array(rows, np.float32).reshape(-1, 5)
    xyxy = np.hstack([table[:, :2], table[:, :2] + table[:, 2:4]])
    score, group = table[:, 4] / 4, (table[:, 0] % 2).astype(np.int16)
    assert non_maximum_suppression(xyxy, score, group, threshold, limit).tolist() == brute_force(
        xyxy, score, group, threshold, limit
    )


def test_equal_scores_keep_their_order():
    xyxy = np.array([[0, 0, 4, 4], [9, 9, 12, 12], [0, 0, 4, 4]], np.float32)
    assert non_maximum_suppression(xyxy, np.full(3, 0.5, np.float32), np.zeros(3, np.int16), 0.7, 9).tolist() == [0, 1]


def test_boxes_of_different_classes_do_not_see_each_other():
    xyxy = np.array([[0, 0, 4, 4], [0, 0, 4, 4]], np.float32)
    assert non_maximum_suppression(xyxy, np.array([0.4, 0.5], np.float32), np.array([0, 1]), 0.1, 9).tolist() == [1, 0]
