from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.streams.video_clips import (
    SHORT_CLIP,
    crop_square,
    make_clip_windows,
    make_frame_squares,
    make_person_squares,
    read_clips,
    sample_instants,
)
from tasks.streams.window_plan import WindowPlan

WHOLE = np.ones


def uncut(count: int) -> np.ndarray:
    """No cut in so many frames."""
    return np.zeros(max(0, count - 1), bool)


def cut_after(count: int, *last_frames: int) -> np.ndarray:
    """Cuts of so many frames, each after a shot's last frame."""
    cut = uncut(count)
    cut[list(last_frames)] = True
    return cut


@given(st.integers(1, 200), st.floats(1, 120), st.floats(1, 60), st.integers(0, 10_000))
def test_every_instant_shows_the_nearest_whole_frame(count: int, rate: float, fps: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    pts = np.cumsum(rng.uniform(0.5, 1.5, count)) / rate
    ok = rng.random(count) < 0.8
    shown = sample_instants(pts, ok, fps)
    if not ok.any():
        assert len(shown) == 0
        return
    assert ok[shown].all() and shown[0] == np.flatnonzero(ok)[0]
    wanted = pts[shown[0]] + np.arange(len(shown)) / fps
    nearest = np.abs(pts[ok][:, None] - wanted).min(axis=0)
    assert np.abs(pts[shown] - wanted) == pytest.approx(nearest, abs=1e-9)
    assert abs(wanted[-1] - pts[ok][-1]) <= 0.5 / fps + 1e-9


def test_the_rate_of_clips_is_kept_whatever_the_video_s() -> None:
    assert sample_instants(np.arange(60) / 30, WHOLE(60, bool), 25).tolist()[:7] == [0, 1, 2, 4, 5, 6, 7]
    assert sample_instants(np.arange(4) / 12.5, WHOLE(4, bool), 25).tolist() == [0, 0, 1, 1, 2, 2, 3]


def count_shown(different: int, length: int) -> int:
    """Pictures of a clip in windows of `length`, from a shot of so many different ones."""
    return length if different > SHORT_CLIP else min(length, SHORT_CLIP)


@given(st.integers(1, 400), st.integers(8, 64), st.integers(1, 80), st.integers(1, 9))
def test_windows_cover_the_video_to_its_end_within_their_number(
    count: int, length: int, stride: int, most: int
) -> None:
    found = make_clip_windows(
        np.arange(count) / 25, WHOLE(count, bool), uncut(count), WindowPlan(25, length, stride, most)
    )
    assert 1 <= len(found) <= most
    shown = count_shown(count, length)
    assert all(len(window.frames) == shown for window in found)
    assert all(a.first < b.first for a, b in pairwise(found))
    if count < length:
        assert found[0].looped and found[0].last == count - 1
        assert found[0].frames.tolist() == [n % count for n in range(shown)]
    elif -(-(count - length) // stride) < most:
        assert (found[0].first, found[-1].last) == (0, count - 1)
        assert all(b.first - a.first <= stride for a, b in pairwise(found))


@pytest.mark.parametrize(
    ("count", "length", "shown"), [(6, 64, 32), (32, 64, 32), (33, 64, 64), (64, 64, 64), (6, 16, 16), (20, 32, 32)]
)
def test_a_shot_of_half_a_window_is_repeated_to_half_a_window_alone(count: int, length: int, shown: int) -> None:
    plan = WindowPlan(25, length, length, 1)
    (window,) = make_clip_windows(np.arange(count) / 25, WHOLE(count, bool), uncut(count), plan)
    assert window.frames.tolist() == [n % count for n in range(shown)]
    assert window.looped == (count < length)


def test_too_many_windows_become_the_middles_of_equal_segments() -> None:
    found = make_clip_windows(np.arange(1000) / 25, WHOLE(1000, bool), uncut(1000), WindowPlan(25, 10, 10, 4))
    assert [window.first for window in found] == [123, 371, 619, 867]


@given(st.integers(1, 300), st.integers(8, 64), st.integers(1, 80), st.integers(1, 9), st.data())
def test_no_window_spans_a_cut(count: int, length: int, stride: int, most: int, data: st.DataObject) -> None:
    lasts = data.draw(st.lists(st.integers(0, count - 2), unique=True) if count > 1 else st.just([]))
    cut = cut_after(count, *lasts)
    found = make_clip_windows(np.arange(count) / 25, WHOLE(count, bool), cut, WindowPlan(25, length, stride, most))
    assert 1 <= len(found) <= most
    assert all(a.first < b.first for a, b in pairwise(found))
    for window in found:
        first, last = window.shot
        assert not cut[first:last].any()
        assert (first == 0 or cut[first - 1]) and (last == count - 1 or cut[last])
        assert first <= window.first <= window.last <= last
        assert len(window.frames) == count_shown(last - first + 1, length)
        assert window.looped == (last - first + 1 < length)
        assert window.is_in_shot(np.arange(count)).sum() == last - first + 1
    shots = np.diff([0, *(np.flatnonzero(cut) + 1), count])
    wanted = sum(max(1, 1 + -(-(n - length) // stride)) for n in shots if n >= 10)  # 10 frames are .4 s
    if 0 < wanted <= most:
        assert len(found) == wanted


def test_shots_are_looked_at_one_by_one_and_one_of_a_moment_is_left_out() -> None:
    """The cuts of a clip of cyclists: shots of 30, 46, 61, 50, 55 and 8 frames."""
    cut = cut_after(250, 29, 75, 136, 186, 241)
    found = make_clip_windows(np.arange(250) / 25, WHOLE(250, bool), cut, WindowPlan(25, 64, 64, 16))
    assert [window.shot for window in found] == [(0, 29), (30, 75), (76, 136), (137, 186), (187, 241)]
    assert all(window.looped for window in found)
    assert found[0].frames.tolist() == [*range(30), 0, 1]
    long = make_clip_windows(np.arange(250) / 25, WHOLE(250, bool), cut_after(250, 99), WindowPlan(25, 64, 64, 16))
    assert [(window.first, window.last) for window in long] == [(0, 63), (36, 99), (100, 163), (164, 227), (186, 249)]


def test_where_all_shots_are_short_the_longest_stands_for_the_video() -> None:
    (window,) = make_clip_windows(np.arange(20) / 25, WHOLE(20, bool), cut_after(20, 3, 11), WindowPlan(25, 64, 64, 16))
    assert (window.shot, window.first, window.last, window.looped) == ((4, 11), 4, 11, True)


def test_too_many_windows_are_moved_into_the_shots_where_they_fall() -> None:
    found = make_clip_windows(np.arange(1000) / 25, WHOLE(1000, bool), cut_after(1000, 129), WindowPlan(25, 10, 10, 4))
    assert [window.first for window in found] == [120, 371, 619, 867]


def test_no_whole_frame_makes_no_window() -> None:
    plan = WindowPlan(25, 64, 64, 4)
    assert make_clip_windows(np.empty(0), np.empty(0, bool), uncut(0), plan) == ()
    assert make_clip_windows(np.arange(5) / 25, np.zeros(5, bool), uncut(5), plan) == ()


def test_a_clip_is_the_authors_crop(make_frames) -> None:
    """Shorter side to 256, then the middle 224: cutting first and scaling afterwards shows the same."""
    rng = np.random.default_rng(0)
    image = cv2.GaussianBlur(rng.integers(0, 255, (256, 340, 3), np.uint8), (0, 0), 3)
    frames = make_frames([image] * 2)
    (window,) = make_clip_windows(frames.pts_s, frames.ok, uncut(len(frames)), WindowPlan(25, 8, 8, 1))
    (clip,) = read_clips(frames, window, [make_frame_squares(256, 340, 8)])
    assert clip.shape == (8, 224, 224, 3)
    assert (clip == image[16:240, 58:282]).all()


def test_each_picture_of_a_clip_is_its_own_frame(make_frames) -> None:
    frames = make_frames([np.full((90, 160, 3), 10 * n, np.uint8) if n != 3 else None for n in range(10)])
    (window,) = make_clip_windows(frames.pts_s, frames.ok, uncut(len(frames)), WindowPlan(25, 10, 10, 1))
    clips = read_clips(frames, window, [make_frame_squares(90, 160, 10), np.tile([20.0, 20, 60, 60], (10, 1))])
    for clip in clips:
        assert clip[:, 100, 100, 0].tolist() == [0, 10, 20, 20, 40, 50, 60, 70, 80, 90]


def test_beyond_the_frame_its_edge_continues() -> None:
    image = np.zeros((4, 6, 3), np.uint8)
    image[:, 0], image[:, -1] = 100, 200
    left = crop_square(image, np.array([-4.5, -0.5, -0.5, 3.5]), 4)
    right = crop_square(image, np.array([3.5, -2.5, 9.5, 3.5]), 6)
    assert (left == 100).all()
    assert right[:, 1:].min() == 200 and right[:, :1].max() == 0


def test_a_square_follows_a_person_on_a_straight_line_and_keeps_its_size() -> None:
    at = np.arange(10, 20)
    frames = np.array([10, 12, 19])
    boxes = np.array([[0, 0, 10, 40], [8, 0, 18, 44], [36, 0, 46, 40]], np.float32)  # 4 px a frame to the right
    squares = make_person_squares(at, frames, boxes)
    sides = squares[:, 2:] - squares[:, :2]
    assert sides == pytest.approx(np.full((10, 2), 1.25 * 44))
    centres = (squares[:, 0] + squares[:, 2]) / 2
    assert centres == pytest.approx(5 + 4.0 * np.arange(10))
