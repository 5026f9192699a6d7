"""What a row of the labels means in its video."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tasks.train.label_segments import load_label_segments, widen_range

Make = Callable[..., Any]


def test_times_become_frames_and_the_person_is_who_is_there(films: Any, make_labels: Make) -> None:
    labels = make_labels("kick0,kick,0.12,0.3", columns="video,label,start_s,end_s")
    [(segment, frames)] = load_label_segments(labels, films.footage, "person")
    assert (segment.first, segment.stop, segment.track_id) == (3, 8, 3)
    assert segment.person is not None and len(segment.person.frames) == len(frames) == 14


def test_nobody_means_the_whole_frame_and_so_does_the_region(films: Any, make_labels: Make) -> None:
    labels = make_labels("empty,kick", "kick0,kick")
    for region, people in (("person", [None, 3]), ("frame", [None, None])):
        found = [row.track_id for row, _ in load_label_segments(labels, films.footage, region)]
        assert found == people


@given(st.integers(0, 40), st.integers(1, 40), st.integers(1, 30), st.integers(1, 60))
def test_widening_stays_inside_the_video_and_keeps_what_was_there(
    first: int, size: int, needed: int, count: int
) -> None:
    first, stop = min(first, count - 1), min(first + size, count)
    stop = max(stop, first + 1)
    left, right = widen_range(first, stop, needed, count)
    assert 0 <= left <= first and stop <= right <= count
    assert right - left >= min(needed, count)
    if stop - first >= needed:
        assert (left, right) == (first, stop)
