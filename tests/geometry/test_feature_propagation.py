"""Labels follow what they lie on."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.geometry.feature_propagation import GridPropagationConfig, find_top_k_similar, propagate_grid_labels

HOW = GridPropagationConfig(radius=3, count=5, temperature=0.05, memory=2)


def vectors(seed: int, h: int = 14, w: int = 17, d: int = 8) -> np.ndarray:
    found = np.random.default_rng(seed).normal(size=(h, w, d)).astype(np.float32)
    return found / np.linalg.norm(found, axis=-1, keepdims=True)


def brute_force(one: np.ndarray, past: np.ndarray, radius: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Cell by cell: cosines and flat positions, the best first."""
    n, h, w, _ = past.shape
    cosine, index = np.empty((h, w, count)), np.empty((h, w, count), int)
    for y in range(h):
        for x in range(w):
            near = [
                (float(one[y, x] @ past[f, r, c]), (f * h + r) * w + c)
                for f in range(n)
                for r in range(max(0, y - radius), min(h, y + radius + 1))
                for c in range(max(0, x - radius), min(w, x + radius + 1))
            ]
            best = sorted(near, reverse=True)[:count]
            cosine[y, x], index[y, x] = zip(*best, strict=True)
    return cosine, index


@pytest.mark.parametrize("radius", [1, 3, 20])
def test_the_most_alike_are_those_that_brute_force_finds(radius: int) -> None:
    one, past = vectors(0), np.stack([vectors(1), vectors(2)])
    found = find_top_k_similar(one, past, radius, 4)
    cosine, index = brute_force(one, past, radius, 4)
    order = np.argsort(-found.cosine, axis=-1)
    np.testing.assert_allclose(np.take_along_axis(found.cosine, order, -1), cosine, atol=1e-6)
    np.testing.assert_array_equal(np.take_along_axis(found.index, order, -1), index)


@settings(max_examples=20)
@given(st.integers(0, 100), st.integers(-3, 3), st.integers(-3, 3))
def test_labels_move_with_the_picture(seed: int, down: int, right: int) -> None:
    first = vectors(seed)
    labels = (np.random.default_rng(seed).random((14, 17, 1)) > 0.5).astype(np.float32)
    moved = np.roll(first, (down, right), (0, 1))
    sharp = GridPropagationConfig(radius=3, count=5, temperature=0.001, memory=2)
    (found,) = propagate_grid_labels(first, [moved], labels, sharp)
    assert found is not None
    inside = np.s_[max(0, down) : 14 + min(0, down), max(0, right) : 17 + min(0, right)]
    np.testing.assert_allclose(found[inside], np.roll(labels, (down, right), (0, 1))[inside], atol=0.05)


@given(st.integers(0, 50))
def test_labels_are_means_of_labels(seed: int) -> None:
    labels = np.random.default_rng(seed).random((14, 17, 3)).astype(np.float32)
    labels /= labels.sum(axis=2, keepdims=True)
    for found in propagate_grid_labels(vectors(seed), [vectors(seed + 1), vectors(seed + 2)], labels, HOW):
        assert found is not None
        np.testing.assert_allclose(found.sum(axis=2), 1, atol=1e-5)
        assert found.min() >= 0


def test_a_missing_frame_is_passed_over() -> None:
    first, labels = vectors(3), np.eye(14, 17, dtype=np.float32)[..., None]
    with_hole = list(propagate_grid_labels(first, [first, None, first], labels, HOW))
    without = list(propagate_grid_labels(first, [first, first], labels, HOW))
    assert with_hole[1] is None
    for found, expected in zip((with_hole[0], with_hole[2]), without, strict=True):
        assert found is not None
        np.testing.assert_array_equal(found, expected)


def test_a_grid_smaller_than_the_window_and_no_frames_are_ordinary() -> None:
    one = vectors(4, 1, 2)
    (found,) = propagate_grid_labels(one, [one], np.ones((1, 2, 1), np.float32), GridPropagationConfig(12, 5, 0.1, 5))
    np.testing.assert_allclose(found, 1, atol=1e-6)
    assert list(propagate_grid_labels(one, [], np.ones((1, 2, 1), np.float32), HOW)) == []


def test_what_only_the_first_frame_shows_is_found_again_after_it_was_hidden() -> None:
    """The object is gone for longer than the memory reaches; the first frame still knows it."""
    background, thing = vectors(5), vectors(6)
    with_thing = background.copy()
    with_thing[4:8, 5:9] = thing[4:8, 5:9]
    labels = np.zeros((14, 17, 1), np.float32)
    labels[4:8, 5:9] = 1
    sharp = GridPropagationConfig(radius=3, count=1, temperature=0.001, memory=2)
    found = list(propagate_grid_labels(with_thing, [*[background] * 5, with_thing], labels, sharp))
    last = found[-1]
    assert last is not None
    np.testing.assert_array_equal(last > 0.5, labels > 0.5)
