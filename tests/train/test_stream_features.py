"""Which clips of a stretch are learned from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tasks.streams.video_clips import ClipWindow
from tasks.train import stream_features
from tasks.train.label_segments import load_label_segments

Make = Callable[..., Any]


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[tuple[ClipWindow, np.ndarray]]:
    """The windows and squares of the clips that are read."""
    found: list[tuple[ClipWindow, np.ndarray]] = []

    def read(frames: object, window: ClipWindow, squares: list[np.ndarray]) -> list[np.ndarray]:
        found.append((window, squares[0]))
        return []

    monkeypatch.setattr(stream_features, "read_clips", read)
    return found


def test_what_is_learned_from_lies_in_the_stretch_and_in_one_shot(
    films: Any, make_labels: Make, params: Make, seen: list[tuple[ClipWindow, np.ndarray]]
) -> None:
    labels = make_labels("kick0,kick,0.04,0.52", columns="video,label,start_s,end_s")
    [(segment, frames)] = load_label_segments(labels, films.footage, "person")
    stream_features.read_segment_clips(segment, frames, np.zeros(13, bool), params(spatial="i3d", clips_per_segment=4))
    stream_features.read_segment_clips(segment, frames, np.arange(13) == 1, params(spatial="i3d", clips_per_segment=4))
    assert (segment.first, segment.stop) == (1, 13)
    assert [(window.first, window.last) for window, _ in seen] == [(1, 12), (2, 12)]  # frame 1 alone is too short


def test_where_somebody_is_behind_a_cut_says_nothing(
    films: Any, make_labels: Make, params: Make, seen: list[tuple[ClipWindow, np.ndarray]]
) -> None:
    [(segment, frames)] = load_label_segments(make_labels("kick0,kick"), films.footage, "person")
    assert segment.person is not None
    there = np.isin(segment.person.frames, np.r_[0:9, 12:14])
    xyxy = segment.person.xyxy + np.where(segment.person.frames > 10, 50, 0)[:, None].astype(np.float32)
    seen_twice = replace(segment.person, frames=segment.person.frames[there], xyxy=xyxy[there])
    here = replace(segment.person, frames=segment.person.frames[:9], xyxy=xyxy[:9])
    cut = np.arange(13) == 10
    for person in (seen_twice, here):
        stream_features.read_segment_clips(
            replace(segment, person=person), frames, cut, params(spatial="i3d", clips_per_segment=4)
        )
    (window, squares), (_, alone) = seen
    assert window.shot == (0, 10)
    np.testing.assert_array_equal(squares, alone)
