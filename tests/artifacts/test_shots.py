"""The table of shots: round trip, the number of each frame's shot, and what it refuses."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tasks.artifacts.shots import Shots
from tasks.artifacts.table import NULL
from tasks.errors import SemflowError

CUT = np.array([False, True, False, False, True, False])
TIMES = np.arange(7) / 10


def test_shots_cover_all_frames_and_survive_a_file(tmp_path: Path) -> None:
    made = Shots.from_cuts(CUT, TIMES, "film")
    made.save(tmp_path / "shots.parquet")
    shots = Shots.load(tmp_path / "shots.parquet")
    assert shots.first_frame.tolist() == [0, 2, 5] and shots.last_frame.tolist() == [1, 4, 6]
    assert shots.transition.tolist() == ["start", "cut", "cut"]
    assert shots.transition_first.tolist() == [NULL] * 3
    np.testing.assert_array_equal(shots.of_frames, np.append(0, np.cumsum(CUT)))
    np.testing.assert_array_equal(shots.boundary, CUT)
    np.testing.assert_array_equal(shots.end_s, TIMES[[1, 4, 6]])


@pytest.mark.parametrize("frames", [0, 1])
def test_a_film_without_pairs(frames: int) -> None:
    shots = Shots.from_cuts(np.zeros(0, np.bool_), TIMES[:frames])
    assert len(shots) == len(shots.of_frames) == frames
    assert shots.boundary.shape == (0,)


@pytest.mark.parametrize(
    "changed",
    [
        {"transition": np.array(["start", "wipe", "cut"], object)},
        {"first_frame": np.array([0, 3, 5], np.int32)},
        {"last_frame": np.array([1, 4, 5], np.int32)},
        {"frame_count": 9},
        {"frame_count": 0},
    ],
)
def test_what_is_no_division_of_the_film_is_refused(changed: dict) -> None:
    with pytest.raises(SemflowError, match="Shots"):
        replace(Shots.from_cuts(CUT, TIMES), **changed)
