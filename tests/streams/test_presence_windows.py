from __future__ import annotations

import numpy as np
import pytest

from tasks.streams.presence_windows import find_presences, make_presence_windows
from tasks.streams.window_plan import WindowPlan

FPS = 25.0
PLAN = WindowPlan(fps=FPS, length=16, stride=16, max_windows=9)
PTS_S = np.arange(200) / FPS
WHOLE, UNCUT = np.ones(200, np.bool_), np.zeros(199, np.bool_)


def tracked(*stretches: tuple[int, int]) -> np.ndarray:
    return np.concatenate([np.arange(*stretch) for stretch in stretches]) if stretches else np.empty(0, int)


def test_windows_begin_and_end_with_the_person() -> None:
    windows = make_presence_windows(PTS_S, WHOLE, UNCUT, tracked((30, 70), (120, 136)), PLAN)
    assert [(w.first, w.last) for w in windows] == [(30, 45), (46, 61), (54, 69), (120, 135)]
    assert not any(w.looped for w in windows)
    assert [w.shot for w in windows] == [(30, 69)] * 3 + [(120, 135)]


def test_a_presence_shorter_than_a_window_is_repeated_and_one_below_four_tenths_of_a_second_left_out() -> None:
    windows = make_presence_windows(PTS_S, WHOLE, UNCUT, tracked((10, 22), (60, 68)), PLAN)
    assert [(w.first, w.last, w.looped) for w in windows] == [(10, 21, True)]


def test_a_short_gap_does_not_end_a_presence_and_a_cut_does() -> None:
    assert find_presences(PTS_S, tracked((10, 30), (35, 60))) == [(10, 59)]
    assert find_presences(PTS_S, tracked((10, 30), (45, 60))) == [(10, 29), (45, 59)]
    cut = UNCUT.copy()
    cut[39] = True
    windows = make_presence_windows(PTS_S, WHOLE, cut, tracked((20, 60)), PLAN)
    assert [(w.first, w.last) for w in windows] == [(20, 35), (24, 39), (40, 55), (44, 59)]
    assert [w.shot for w in windows] == [(20, 39)] * 2 + [(40, 59)] * 2


def test_of_too_many_windows_the_middles_of_equal_parts_stand_for_all() -> None:
    windows = make_presence_windows(PTS_S, WHOLE, UNCUT, tracked((0, 200)), WindowPlan(FPS, 16, 4, 4))
    assert len(windows) == 4 and np.diff([w.first for w in windows]).min() >= 40


@pytest.mark.parametrize("frames", [(), (7,)])
def test_nobody_and_a_glimpse_of_somebody_have_no_windows(frames: tuple[int, ...]) -> None:
    assert make_presence_windows(PTS_S, WHOLE, UNCUT, np.array(frames, int), PLAN) == ()


def test_times_count_not_frames_where_the_rate_varies() -> None:
    pts_s = np.cumsum(np.where(np.arange(200) < 100, 0.2, 0.04))
    assert find_presences(pts_s, tracked((10, 14), (120, 126))) == [(10, 13)], "4 slow frames are longer than 6 fast"
