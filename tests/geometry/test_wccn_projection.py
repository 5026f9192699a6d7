"""Projections: unique, ordered, and blind to what a change of view does."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.geometry.wccn_projection import ScatterMoments


def moments(points: np.ndarray, apart: np.ndarray) -> ScatterMoments:
    half = len(points) // 2
    none = ScatterMoments.make_empty(points.shape[1])
    return none.add_pairs(points[:half], apart[: len(apart) // 2]).add_pairs(points[half:], apart[len(apart) // 2 :])


@given(st.integers(0, 30))
def test_where_all_directions_differ_alike_it_is_principal_component_analysis(seed: int) -> None:
    rng = np.random.default_rng(seed)
    points = rng.normal(size=(400, 6)) * np.arange(1, 7)
    even = np.concatenate([np.eye(6), -np.eye(6)])
    found = moments(points, even).fit_projection(4)
    _, _, axes = np.linalg.svd(points - points.mean(axis=0), full_matrices=False)
    np.testing.assert_allclose(np.abs(found.axes.T @ axes[:4].T), np.eye(4), atol=1e-3)
    spread = found.project_vectors(points.astype(np.float32)).var(axis=0)
    assert np.all(np.diff(spread) <= 1e-3)


@given(st.integers(0, 30))
def test_the_order_of_what_was_seen_does_not_matter(seed: int) -> None:
    rng = np.random.default_rng(seed)
    points, apart = rng.normal(size=(100, 5)) * np.arange(1, 6), rng.normal(size=(60, 5))
    one, other = moments(points, apart).fit_projection(5), moments(points[::-1], apart[::-1]).fit_projection(5)
    np.testing.assert_allclose(one.axes, other.axes, atol=1e-4)
    np.testing.assert_allclose(one.mean, other.mean, atol=1e-5)


def test_a_direction_in_which_one_place_differs_from_itself_is_left_for_last() -> None:
    rng = np.random.default_rng(0)
    meaning, light = rng.normal(size=(500, 3)), 5 * rng.normal(size=(500, 1))
    points = np.hstack([meaning, light])
    apart = np.hstack([0.1 * rng.normal(size=(500, 3)), 5 * rng.normal(size=(500, 1))])
    found = moments(points, apart).fit_projection(4, shrinkage=0.01)
    weight = np.abs(found.axes[3]) / np.linalg.norm(found.axes, axis=0)
    assert weight.argmax() == 3, "principal component analysis would put the light first"
    assert np.linalg.norm(found.axes[3]) < 0.2, "and what it keeps of the light is small"


def test_nothing_seen_is_an_error() -> None:
    with pytest.raises(ValueError, match="two vectors and a pair at least, got 0 and 0"):
        ScatterMoments.make_empty(3).fit_projection(2)
