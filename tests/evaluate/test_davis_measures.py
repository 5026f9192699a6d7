"""J and F of masks: known values, and a slow reference for F."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.evaluate.davis_measures import compute_boundary_f, compute_jaccard, find_boundary, threshold_share


def draw_square(left: int, size: int = 40) -> np.ndarray:
    """A square in a 480p image, whose boundaries agree within 8 px (.008 of its diagonal of 980 px)."""
    mask = np.zeros((480, 854), np.bool_)
    mask[200 : 200 + size, left : left + size] = True
    return mask


def test_overlap_of_two_empty_masks_is_one_and_of_disjoint_ones_zero() -> None:
    empty = np.zeros((8, 8), np.bool_)
    assert compute_jaccard(empty, empty) == 1
    assert compute_jaccard(draw_square(100), draw_square(300)) == 0


def test_boundaries_within_the_tolerance_agree_and_beyond_it_do_not() -> None:
    assert compute_boundary_f(draw_square(100), draw_square(108)) == 1
    assert compute_boundary_f(draw_square(100), draw_square(120)) < 1
    assert compute_boundary_f(draw_square(100), draw_square(300)) == 0


def test_boundary_measure_of_empty_masks_is_the_official_one() -> None:
    empty = np.zeros((480, 854), np.bool_)
    assert compute_boundary_f(empty, empty) == 1
    assert compute_boundary_f(draw_square(100), empty) == 0
    assert compute_boundary_f(empty, draw_square(100)) == 0


def test_a_boundary_lies_on_both_sides_of_no_edge_twice_and_never_at_the_border() -> None:
    mask = np.zeros((6, 6), np.bool_)
    mask[2:4, 2:4] = True
    assert find_boundary(mask).sum() == 8  # the official _seg2bmap gives 8: above, left and the corner, and inside
    assert not find_boundary(np.ones((6, 6), np.bool_)).any()


@given(st.integers(0, 2**32 - 1))
def test_boundary_measure_is_that_of_all_pairs_of_boundary_pixels(seed: int) -> None:
    rng = np.random.default_rng(seed)
    masks = [rng.random((24, 32)) > 0.8 for _ in range(2)]
    found, true = (np.argwhere(find_boundary(mask)) for mask in masks)
    near = np.linalg.norm(found[:, None] - true[None], axis=2) <= np.ceil(0.008 * np.hypot(24, 32))
    precision, recall = near.any(axis=1).mean(), near.any(axis=0).mean()
    assert compute_boundary_f(*masks) == pytest.approx(2 * precision * recall / (precision + recall))


def test_a_soft_mask_is_cut_at_one_half_at_the_size_of_the_truth() -> None:
    share = np.array([[0.0, 1.0], [0.0, 1.0]], np.float32)
    assert (threshold_share(share, 4, 4) == np.array([False, False, True, True])).all()
