"""Lengths of time in seconds on films of constant and of variable frame rate."""

from __future__ import annotations

import numpy as np
import pytest

from tasks.track.frame_times import median_interval, regular_times, relative_steps
from tasks.track.run_tracker import track_detections
from tests.track.scenes import make_detections, make_params, walk


@pytest.mark.parametrize("rate", [7, 10, 30, 60])
def test_a_gap_is_bridged_by_its_length_in_seconds_at_every_frame_rate(rate: int) -> None:
    def identities(missing: int) -> int:
        frames = [*range(10), *range(10 + missing, 20 + missing)]
        detections = make_detections(walk(frames, speed=(0, 0)), 20 + missing)
        pts_s = regular_times(detections.frame_count, rate)
        return len(np.unique(track_detections(detections, pts_s, make_params(max_gap_s=1.0)).track_id))

    assert identities(rate) == 1
    assert identities(rate + 1) == 2


def test_frames_that_a_film_leaves_out_count_with_their_time() -> None:
    pts_s = np.array([0, 1, 2, 3, 4, 5, 25, 26, 27, 28]) / 10
    detections = make_detections(walk([0, 1, 2, 3, 4, 7, 8, 9], speed=(0, 0)), 10)
    found = [
        np.unique(track_detections(detections, pts_s, make_params(max_gap_s=gap)).track_id).tolist()
        for gap in (2.0, 3.0)
    ]
    assert found == [[1, 2], [1]]


def test_motion_goes_on_while_a_film_leaves_frames_out() -> None:
    kept = np.setdiff1d(np.arange(24), range(10, 16))
    rows = [(i, *row[1:]) for i, row in enumerate(walk(kept.tolist(), speed=(8, 0)))]
    for pts_s, tracks in ((kept / 10, 1), (np.arange(len(kept)) / 10, 2)):
        assert track_detections(make_detections(rows, len(kept)), pts_s, make_params()).track_id.max() == tracks


def test_times_rounded_to_milliseconds_are_a_constant_rate() -> None:
    pts_s = np.round(np.arange(50) / 30, 3)
    assert (relative_steps(pts_s) == 1).all()
    assert median_interval(pts_s) == pytest.approx(1 / 30, abs=1e-3)
    assert relative_steps(np.array([0.0, 0.1, 0.2, 0.5, 0.6])).tolist() == pytest.approx([1, 1, 1, 3, 1])


@pytest.mark.parametrize("count", [0, 1])
def test_a_film_without_intervals_has_steps_too(count: int) -> None:
    assert relative_steps(np.zeros(count)).tolist() == [1] * count
