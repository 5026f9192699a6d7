"""What hangs together in space and time is told together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.geometry.cell_grid import CellGrid
from tasks.label_propagation.edge_affinity import DECAY_LENGTH, PixelAffinity, compute_pixel_affinity
from tasks.label_propagation.evidence import Votes
from tasks.label_propagation.label_smoothing import smooth_labels
from tasks.label_propagation.propagation_config import DEFAULT_CONFIG
from tasks.sequence.frame_pair_motion import FramePairMotion
from tasks.sequence.label_map import UNKNOWN
from tasks.sequence.sequence_view import SequenceView
from tasks.sequence.warp_cache import BackwardWarpCache

CELLS = CellGrid(2, 2, 8, 8, 3.5, 3.5)


@given(st.integers(0, 1000))
@settings(max_examples=20, deadline=None)
def test_sums_along_ties_are_those_of_all_ways_across_and_then_down(seed: int) -> None:
    rng = np.random.default_rng(seed)
    values = rng.random((4, 5, 2), np.float32)
    across, down = rng.random((4, 4), np.float32), rng.random((3, 5), np.float32)
    fade = np.exp(-1 / (DECAY_LENGTH * 4))

    def passed(tied: np.ndarray, start: int, end: int) -> float:
        return float(np.prod(tied[min(start, end) : max(start, end)] * fade))

    rows = np.zeros_like(values)
    for y, x, other in np.ndindex(4, 5, 5):
        rows[y, x] += passed(across[y], x, other) * values[y, other]
    expected = np.zeros_like(values)
    for y, x, other in np.ndindex(4, 5, 4):
        expected[y, x] += passed(down[:, x], y, other) * rows[other, x]
    assert np.allclose(PixelAffinity(across, down).sum_neighbours(values), expected, atol=1e-5)


def halves(speed: float, colours: tuple[int, int] | None = None, frames: int = 2) -> SequenceView:
    """The upper half stands still, the lower one moves to the right; the same looks everywhere but for `colours`."""
    flow = np.zeros((16, 16, 2), np.float32)
    flow[8:, :, 0] = speed
    sure = np.ones((16, 16), np.bool_)
    image = np.full((16, 16, 3), 100, np.uint8)
    if colours is not None:
        image[:8], image[8:] = colours
    grid = np.ones((2, 2, 1), np.float32)
    motion = FramePairMotion(flow, -flow, sure, sure)
    return SequenceView(frames, 16, 16, CELLS, lambda _: grid, lambda _: motion, images=lambda _: image)


def test_what_moves_alike_is_tied_and_what_does_not_is_not() -> None:
    for speed, least, most in ((0.0, 0.99, 1.0), (3.0, 0.0, 1e-3)):
        clip = halves(speed)
        ties = compute_pixel_affinity(BackwardWarpCache(clip, True), 0)
        assert (ties.horizontal > 0.99).all()
        assert (ties.vertical[:7] > 0.99).all()
        assert least <= ties.vertical[7].min() <= ties.vertical[7].max() <= most


def test_colours_tell_most_where_motion_is_in_doubt() -> None:
    clip = halves(0.0, (50, 150))
    known = compute_pixel_affinity(BackwardWarpCache(clip, True), 0)
    unknown = compute_pixel_affinity(BackwardWarpCache(replace(clip, motion=lambda _: None), True), 0)
    assert unknown.vertical[7].max() < 1e-3 < known.vertical[7].max() < 0.5
    for ties in (known, unknown):
        assert (ties.vertical[:4] > 0.99).all()
        assert (ties.horizontal > 0.99).all()


def test_a_frame_of_which_nothing_is_known_is_not_tied() -> None:
    clip = replace(halves(0.0), motion=lambda _: None, images=None)
    ties = compute_pixel_affinity(BackwardWarpCache(clip, True), 0)
    assert ties.horizontal.shape == (16, 15)
    assert ties.vertical.shape == (15, 16)
    assert not ties.horizontal.any()


def some_votes(value: float, rows: slice, classes: int = 2) -> Votes:
    votes = np.zeros((16, 16, classes), np.float32)
    votes[rows, :, 1] = value
    return Votes(votes)


@pytest.fixture
def told() -> Callable[..., list[Votes | None]]:
    def tell(clip: SequenceView, votes: dict[int, Votes], labels: dict[int, np.ndarray] | None = None, **how: object):
        return smooth_labels(BackwardWarpCache(clip, True), replace(DEFAULT_CONFIG, **how), votes.get, labels or {}, 2)

    return tell


def test_a_pixel_that_nothing_leads_to_hears_what_it_moves_with(told) -> None:
    clip = halves(3.0)
    found, _ = told(clip, {0: some_votes(1, slice(0, 4)), 1: some_votes(0, slice(0))}, temporal_smoothing=False)
    assert (found.probabilities[4:8, :, 1] > 0.9).all()
    assert np.allclose(found.probabilities[9:, :, 1], 0.5, atol=0.05)


def test_evidence_reaches_every_frame_that_flow_leads_to(told) -> None:
    clip = halves(0.0, frames=12)
    nothing = some_votes(0, slice(0))
    votes = {0: some_votes(1, slice(0, 8))} | dict.fromkeys(range(1, 12), nothing)
    found = told(clip, votes, spatial_smoothing=False)
    assert (found[11].probabilities[:8, :, 1] > 0.9).all()
    assert found[11].total.max() < found[2].total.max() < found[0].total.max()
    cut = replace(clip, motion=lambda n: None if n == 5 else clip.motion(n))
    parted = told(cut, votes, spatial_smoothing=False)
    assert parted[5].total.max() > 0 == parted[6].total.max()


def test_without_both_votes_stay_what_they_were(told) -> None:
    given_votes = some_votes(0.5, slice(0, 5))
    found = told(halves(0.0), {0: given_votes, 1: given_votes}, spatial_smoothing=False, temporal_smoothing=False)
    assert np.allclose(found[0].votes, given_votes.votes, atol=1e-3)
    assert np.allclose(found[1].total, given_votes.total, atol=1e-3)


def test_given_labels_outweigh_what_was_guessed(told) -> None:
    label = np.full((16, 16), UNKNOWN, np.uint8)
    label[:2] = 0
    clip = halves(3.0)
    found = told(clip, {0: some_votes(1, slice(0, 16)), 1: some_votes(1, slice(0, 16))}, {0: label})
    assert (found[1].probabilities[:2, :, 0] > 0.9).all()
    assert (found[1].probabilities[:4, :, 0] > 0.5).all()
    assert (found[1].probabilities[9:, :, 1] > 0.9).all()


def test_a_missing_frame_stays_missing(told) -> None:
    found = told(halves(0.0, frames=3), {0: some_votes(1, slice(0, 8)), 2: some_votes(1, slice(0, 8))})
    assert found[1] is None
    assert found[2] is not None
