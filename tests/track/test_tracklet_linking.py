"""Joining tracklets over longer gaps."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.artifacts.detections import Detections
from tasks.track.tracklet_linking import Observations, find_successors, fit_ends, link_tracklets
from tasks.track.tracklets import Tracklets
from tests.track.scenes import make_detections, make_params, track_frames, walk

BEFORE, AFTER = range(20), range(40, 60)


def identities(detections: Detections, **changes: object) -> int:
    tracks = track_frames(detections, make_params(link_max_gap_s=60, **changes))
    return len(np.unique(tracks.track_id))


def test_a_walk_interrupted_for_longer_than_max_gap_is_one_track() -> None:
    detections = make_detections(walk(BEFORE) + walk(AFTER), 60)
    assert identities(detections) == 1
    assert len(np.unique(track_frames(detections, make_params()).track_id)) == 2


@pytest.mark.parametrize("gap", [59, 60, 61])
def test_link_gap_frames_are_bridged_and_one_more_is_not(gap: int) -> None:
    detections = make_detections(walk(range(20)) + walk(range(20 + gap, 40 + gap)), 200)
    assert identities(detections) == (1 if gap <= 60 else 2)


def test_someone_else_at_the_same_place_is_not_joined() -> None:
    turned = walk(AFTER, start=(260, 130), speed=(-3, 0))
    assert identities(make_detections(walk(BEFORE) + turned, 60)) == 2


def test_whoever_comes_in_where_someone_went_out_is_not_joined() -> None:
    """Both paths miss by little, as the gap is short; it is the speeds that tell them apart."""
    out, back = walk(range(20), speed=(4, 0)), walk(range(24, 44), start=(262, 100), speed=(-3, 0))
    assert identities(make_detections(out + back, 44), max_gap_s=2) == 2


def test_sizes_must_agree() -> None:
    wide = [(f, (x1, y1 - 45, x2, y2 + 45), s, c) for f, (x1, y1, x2, y2), s, c in walk(AFTER)]
    detections = make_detections(walk(BEFORE) + wide, 60)
    assert identities(detections) == 2
    assert identities(detections, link_max_size_ratio=2.0) == 1


def test_classes_are_not_joined() -> None:
    other = [(f, box, s, 1) for f, box, s, _ in walk(AFTER)]
    assert identities(make_detections(walk(BEFORE) + other, 60)) == 2


def test_of_two_heirs_the_one_on_the_path_is_taken() -> None:
    near = walk(AFTER, start=(100, 125))
    tracks = track_frames(make_detections(walk(BEFORE) + walk(AFTER) + near, 60), make_params(link_max_gap_s=60))
    box = tracks.xyxy[(tracks.track_id == 1) & (tracks.frame == 50)][0]
    assert tuple(box) == walk([50])[0][1]


def test_several_pieces_make_one_track() -> None:
    pieces = [f for start in (0, 25, 50, 75) for f in range(start, start + 15)]
    assert identities(make_detections(walk(pieces), 90)) == 1


def test_ends_are_read_off_straight_lines() -> None:
    detections = make_detections(walk(range(30), start=(5, 7), speed=(2, -1)), 30)
    tracklets = Tracklets(np.zeros(30, np.intp), np.arange(30))
    box = np.concatenate([(detections.xyxy[:, :2] + detections.xyxy[:, 2:]) / 2, [[40, 100]] * 30], axis=1)
    stop = fit_ends(tracklets, Observations(np.arange(30), np.arange(30) / 25, box), np.array([29]), 0.4)
    np.testing.assert_allclose(stop.centre, [[5 + 58 + 20, 7 - 29 + 50]])
    np.testing.assert_allclose(stop.velocity, [[50, -25]])
    np.testing.assert_allclose(stop.height, [100])


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 20)), max_size=15), st.integers(1, 20))
def test_successors_are_all_pairs_that_fit(spans: list[tuple[int, int]], gap: int) -> None:
    start = np.array([first for first, _ in spans], int)
    stop = start + np.array([length for _, length in spans], int)
    earlier, later = find_successors(stop, start, np.arange(80) / 10, gap / 10)
    expected = {(i, j) for i in range(len(spans)) for j in range(len(spans)) if stop[i] < start[j] <= stop[i] + gap + 1}
    assert len(earlier) == len(expected)
    assert set(zip(earlier.tolist(), later.tolist(), strict=True)) == expected


def test_nothing_to_link() -> None:
    nothing = Tracklets(np.empty(0, np.intp), np.empty(0, np.intp))
    assert len(link_tracklets(make_detections([], 3), np.arange(3.0), nothing, make_params(link_max_gap_s=9))) == 0
