from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import butter, freqz

from tasks.estimate_pose.keypoint_smoothing import smooth_keypoints
from tasks.estimate_pose.pose_segments import bridge_gaps, split_at_gaps

FPS = 60.0


def run(
    time_s: np.ndarray, xy: np.ndarray, score: np.ndarray | None = None, cutoff_hz: float = 6.0, bridge_s: float = 0.3
):
    score = np.ones(xy.shape[:2]) if score is None else score
    return smooth_keypoints(time_s, xy, score, score >= 0.5, cutoff_hz=cutoff_hz, bridge_s=bridge_s)


def uneven(rng: np.random.Generator, count: int) -> np.ndarray:
    return np.cumsum(rng.uniform(0.01, 0.06, count))


@given(st.integers(0, 2**31), st.floats(0.5, 20), st.integers(1, 40))
@settings(max_examples=40, deadline=None)
def test_what_stands_still_or_moves_evenly_is_kept(seed, cutoff, count):
    rng = np.random.default_rng(seed)
    time_s = uneven(rng, count)
    xy = rng.uniform(0, 600, (1, 3, 2)) + np.multiply.outer(time_s, rng.uniform(-300, 300, (3, 2)) * [[0], [1], [1]])
    assert np.allclose(run(time_s, xy, rng.uniform(0.5, 1, (count, 3)), cutoff), xy, atol=1e-3)


def test_it_is_the_least_squares_solution_over_the_whole_track():
    """An independent reference: all positions and velocities at once, as one dense linear system."""
    rng = np.random.default_rng(5)
    count, cutoff = 25, 4.0
    time_s, score = uneven(rng, count), rng.uniform(0.5, 1, (count, 1))
    score[[3, 11, 12]] = 0.2
    xy = rng.normal(0, 20, (count, 1, 2)).cumsum(axis=0) + 300
    power = (2 * np.pi * cutoff) ** 4 * np.median(np.diff(time_s))
    rows, values = [], []
    for t in range(count):
        weight = score[t, 0] if score[t, 0] >= 0.5 else 0
        row = np.zeros(2 * count)
        row[2 * t] = weight
        rows.append(row)
        values.append(weight * xy[t, 0])
    for t, dt in enumerate(np.diff(time_s)):
        noise = power * np.array([[dt**3 / 3, dt**2 / 2], [dt**2 / 2, dt]])
        whiten = np.linalg.inv(np.linalg.cholesky(noise))
        block = np.zeros((2, 2 * count))
        block[:, 2 * t : 2 * t + 2] = -whiten @ [[1, dt], [0, 1]]
        block[:, 2 * t + 2 : 2 * t + 4] = whiten
        rows += list(block)
        values += [np.zeros(2)] * 2
    expected = np.linalg.lstsq(np.array(rows), np.array(values), rcond=None)[0][::2]
    assert np.allclose(run(time_s, xy, score, cutoff)[:, 0], expected, atol=1e-3)


@pytest.mark.parametrize("hz", [1.0, 3.0, 6.0, 12.0])
def test_it_answers_as_a_second_order_butterworth_forth_and_back_without_delay(hz):
    time_s = np.arange(600) / FPS
    wave = 300 + 50 * np.sin(2 * np.pi * hz * time_s)
    smoothed = run(time_s, np.repeat(wave, 2).reshape(-1, 1, 2))[200:400, 0, 0] - 300
    _, response = freqz(*butter(2, 6.0, fs=FPS), worN=[hz], fs=FPS)
    expected = 1 / (1 + (hz / 6.0) ** 4)
    assert abs(response[0]) ** 2 == pytest.approx(expected, abs=0.06)  # the digital filter warps high frequencies
    # A scaled copy of the wave itself: any delay would leave a remainder.
    assert np.allclose(smoothed, expected * (wave[200:400] - 300), atol=1.5)


@given(st.integers(0, 2**31))
@settings(max_examples=20, deadline=None)
def test_forwards_and_backwards_in_time_are_the_same(seed):
    rng = np.random.default_rng(seed)
    time_s, xy, score = uneven(rng, 20), rng.uniform(0, 600, (20, 2, 2)), rng.uniform(0.3, 1, (20, 2))
    there = run(time_s, xy, score)
    back = run(time_s[-1] - time_s[::-1], xy[::-1], score[::-1])[::-1]
    assert np.allclose(there, back, atol=1e-2, equal_nan=True)


def test_an_untrusted_point_has_no_influence_and_a_weak_one_little():
    time_s = np.arange(21) / 30
    xy = np.full((21, 1, 2), 100.0)
    xy[10] = 160
    weights = [np.where(np.arange(21) == 10, weight, 1.0)[:, None] for weight in (0.4, 0.55, 1.0)]
    untrusted, weak, strong = (run(time_s, xy, score)[10, 0, 0] - 100 for score in weights)
    assert untrusted == pytest.approx(0, abs=1e-3)
    assert 1 < weak < strong < 60


def test_short_gaps_are_bridged_and_long_ones_and_ends_are_not():
    time_s = np.arange(20) / 10
    score = np.ones((20, 1))
    score[[0, 5, 10, 11, 12, 13, 19]] = 0.1
    xy = np.multiply.outer(time_s, np.full((1, 2), 50.0))
    smoothed = run(time_s, xy, score)
    assert np.flatnonzero(np.isnan(smoothed[:, 0, 0])).tolist() == [0, 10, 11, 12, 13, 19]
    assert smoothed[5, 0] == pytest.approx([25, 25], abs=0.01)


def test_a_point_that_is_never_trusted_is_nowhere_and_one_frame_is_kept():
    assert np.isnan(run(np.arange(4) / 10, np.ones((4, 2, 2)), np.zeros((4, 2)))).all()
    assert run(np.array([3.0]), np.full((1, 2, 2), 7.0)).tolist() == [[[7, 7], [7, 7]]]


def test_runs_end_where_a_gap_is_longer():
    time_s = np.array([0, 0.1, 0.2, 0.6, 0.7, 2.0])
    assert [(part.start, part.stop) for part in split_at_gaps(time_s, 0.2)] == [(0, 3), (3, 5), (5, 6)]
    assert split_at_gaps(np.empty(0), 0.2) == []


@given(st.lists(st.booleans(), min_size=1, max_size=20), st.integers(0, 5))
@settings(max_examples=60, deadline=None)
def test_bridging_is_what_looking_at_each_row_gives(known, longest):
    time_s = np.arange(len(known), dtype=float)
    expected = [
        k or any(known[a] and known[b] and b - a <= longest for a in range(i) for b in range(i + 1, len(known)))
        for i, k in enumerate(known)
    ]
    assert bridge_gaps(time_s, np.array(known)[:, None], longest)[:, 0].tolist() == expected
