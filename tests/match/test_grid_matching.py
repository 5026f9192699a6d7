"""Grids of vectors matched with each other."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.match.grid_cells import list_cell_positions, make_neighbourhood, soft_argmax
from tasks.match.grid_matching import MatchConfig, match_grids

PLAIN = MatchConfig(measure="cosine", temperature=0.05, refine_radius=2, consensus_radius=0)
AGREED = replace(PLAIN, consensus_radius=3)


def random_grid(seed: int, h: int, w: int, d: int = 128) -> np.ndarray:
    vectors = np.random.default_rng(seed).normal(size=(h, w, d))
    return vectors / np.linalg.norm(vectors, axis=2, keepdims=True)


def smooth_grid(seed: int, h: int, w: int, d: int = 24) -> np.ndarray:
    """Neighbours resemble each other, and much resembles much: as in real pictures."""
    import cv2

    vectors = cv2.GaussianBlur(np.random.default_rng(seed).normal(size=(h, w, d)), (0, 0), 2)
    return vectors / np.linalg.norm(vectors, axis=2, keepdims=True)


def displacement(match) -> np.ndarray:
    h, w = match.cycle_error.shape
    return match.target - list_cell_positions((h, w)).reshape(h, w, 2)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 9999), h=st.integers(1, 9), w=st.integers(1, 9))
def test_an_image_matched_with_itself_stays_where_it_is(seed: int, h: int, w: int) -> None:
    grid = random_grid(seed, h, w)
    for how in (PLAIN, AGREED):
        match = match_grids(grid, grid, how)
        assert np.abs(displacement(match)).max() < 0.01
        assert (match.confidence == 1).all()
        assert match.mutual.all()
        assert np.allclose(match.similarity, 1, atol=1e-3)


@settings(max_examples=15, deadline=None)
@given(
    seed=st.integers(0, 9999),
    dx=st.integers(-3, 3),
    dy=st.integers(-3, 3),
    measure=st.sampled_from(["cosine", "euclidean"]),
)
def test_a_shift_is_found(seed: int, dx: int, dy: int, measure: str) -> None:
    large = random_grid(seed, 18, 20)
    first, second = large[4:14, 4:16], large[4 - dy : 14 - dy, 4 - dx : 16 - dx]
    match = match_grids(first, second, replace(PLAIN, measure=measure, refine_radius=0))
    x, y = list_cell_positions((10, 12)).reshape(10, 12, 2).transpose(2, 0, 1)
    still_there = (x + dx >= 0) & (x + dx < 12) & (y + dy >= 0) & (y + dy < 10)
    assert (displacement(match)[still_there] == [dx, dy]).all()
    assert (match.confidence[still_there] == 1).all()


def test_half_a_cell_is_found_between_cells() -> None:
    fine = smooth_grid(1, 40, 40)
    match = match_grids(fine[::2, ::2], fine[::2, 1::2], PLAIN)
    inner = displacement(match)[3:-3, 3:-3]
    assert abs(np.median(inner[..., 0]) + 0.5) < 0.15
    assert abs(np.median(inner[..., 1])) < 0.05


def test_images_of_different_sizes_match() -> None:
    second = random_grid(2, 9, 14)
    match = match_grids(second[2:6, 5:11], second, PLAIN)
    assert np.abs(displacement(match) - [5, 2]).max() < 0.01
    assert match.target.shape == (4, 6, 2)


@pytest.mark.parametrize("chunk_bytes", [1, 3000, 1 << 30])
@pytest.mark.parametrize("measure", ["cosine", "euclidean"])
def test_the_chunk_changes_nothing(chunk_bytes: int, measure: str) -> None:
    first, second = smooth_grid(3, 12, 15), smooth_grid(4, 11, 13)
    how = replace(AGREED, measure=measure)
    usual, chunked = (match_grids(first, second, h) for h in (how, replace(how, chunk_bytes=chunk_bytes)))
    for name in ("target", "cycle_error", "similarity"):
        assert getattr(usual, name).tobytes() == getattr(chunked, name).tobytes(), name


def test_threads_change_nothing() -> None:
    first, second = smooth_grid(5, 40, 50, d=99), smooth_grid(6, 40, 50, d=99)
    before = torch.get_num_threads()
    found = []
    try:
        for threads in (1, 2, 3):
            torch.set_num_threads(threads)
            found.append(match_grids(first, second, AGREED))
    finally:
        torch.set_num_threads(before)
    for other in found[1:]:
        for name in ("target", "cycle_error", "similarity"):
            assert getattr(found[0], name).tobytes() == getattr(other, name).tobytes(), name


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 9999))
def test_being_mutual_is_symmetric(seed: int) -> None:
    first, second = smooth_grid(seed, 6, 7), smooth_grid(seed + 1, 5, 8)
    whole = replace(PLAIN, refine_radius=0)
    there, back = match_grids(first, second, whole), match_grids(second, first, whole)

    def pairs(match) -> set[tuple[int, int]]:
        width = 8 if match is there else 7
        cells = np.flatnonzero(match.mutual)
        x, y = match.target.reshape(-1, 2)[cells].astype(int).T
        return set(zip(cells.tolist(), (y * width + x).tolist(), strict=True))

    assert pairs(there) == {(b, a) for a, b in pairs(back)}


def test_the_nearest_is_that_of_brute_force() -> None:
    first, second = smooth_grid(7, 9, 8), smooth_grid(8, 7, 11)
    match = match_grids(first, second, replace(PLAIN, refine_radius=0))
    cosine = first.reshape(-1, 24) @ second.reshape(-1, 24).T
    x, y = match.target.reshape(-1, 2).astype(int).T
    assert np.allclose(cosine[np.arange(72), y * 11 + x], cosine.max(axis=1), atol=1e-3)
    back = cosine.argmax(axis=0)[y * 11 + x]
    gap = list_cell_positions((9, 8))[back] - list_cell_positions((9, 8))
    assert np.mean(np.hypot(*gap.T) == match.cycle_error.reshape(-1)) > 0.95  # ties within rounding may differ


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 9999), temperature=st.floats(1e-3, 10), radius=st.integers(0, 3))
def test_the_soft_argmax_stays_in_its_window(seed: int, temperature: float, radius: int) -> None:
    rng = np.random.default_rng(seed)
    size = (5, 6)
    best = rng.integers(0, 30, 12)
    around = make_neighbourhood(size, radius)(best)
    similarities = np.where(around >= 0, rng.uniform(-1, 1, around.shape), -np.inf)
    places = list_cell_positions(size)
    mean = soft_argmax(similarities, places[around], temperature)
    assert (np.abs(mean - places[best]) <= radius + 1e-5).all()
    assert (mean >= -1e-5).all()
    assert (mean <= np.array([5, 4]) + 1e-5).all()


def test_a_window_keeps_the_search_near_where_it_is_expected() -> None:
    grid = random_grid(9, 10, 12)
    expected = list_cell_positions((10, 12)).reshape(10, 12, 2) + np.float32([4, 0])
    match = match_grids(grid, grid, replace(PLAIN, refine_radius=0), expected, radius=2)
    inside = np.clip(expected, 0, [11, 9])
    assert (np.abs(match.target - inside) <= 2).all()
    free = match_grids(grid, grid, replace(PLAIN, refine_radius=0), np.full_like(expected, np.nan), radius=2)
    assert (displacement(free) == 0).all()


def test_neighbours_mend_a_cell_that_resembles_many() -> None:
    large = smooth_grid(10, 30, 36, d=64)
    first, second = large[2:26, 2:30].copy(), large[2:26, 0:28].copy()
    bare = smooth_grid(11, 1, 1, d=64)[0, 0]
    first[10:13, 10:13] = bare  # a patch of wall, which is elsewhere as well, and there looks the same a bit more
    second[10:13, 12:15] = bare + 0.2 * second[10:13, 12:15]
    second[2:5, 20:23] = bare
    alone, agreed = (displacement(match_grids(first, second, how))[10:13, 10:13] - [2, 0] for how in (PLAIN, AGREED))
    near_alone, near_agreed = (int((np.abs(gap).max(axis=2) < 3.5).sum()) for gap in (alone, agreed))
    assert near_alone == 0
    assert near_agreed >= 6  # of 9; those to which the way back leads by chance take themselves for sure


def test_something_small_that_moves_by_itself_keeps_its_match() -> None:
    large = random_grid(12, 20, 24)
    first, second = large.copy(), large.copy()
    thing = random_grid(13, 2, 2)
    first[5:7, 5:7], second[5:7, 15:17] = thing, thing
    moved = displacement(match_grids(first, second, AGREED))
    assert np.abs(moved[5:7, 5:7] - [10, 0]).max() < 0.1
