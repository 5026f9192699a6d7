"""Splitting: whole videos, every label on both sides where it can be, nothing left to chance."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from tasks.train.split_videos import make_folds, select_held_out, shuffle_videos

VIDEOS = st.dictionaries(
    st.text("abcdefgh", min_size=1, max_size=4),
    st.frozensets(st.integers(0, 3), min_size=1, max_size=2),
    min_size=1,
    max_size=25,
)


@given(VIDEOS, st.floats(0, 0.9), st.integers(0, 5))
def test_every_label_keeps_a_video_to_train_on(videos: dict[str, frozenset[int]], share: float, seed: int) -> None:
    away = select_held_out(videos, share, seed)
    left = {label for video, labels in videos.items() if video not in away for label in labels}
    assert left == set().union(*videos.values())


@given(VIDEOS, st.integers(0, 5))
def test_the_order_of_the_labels_file_changes_nothing(videos: dict[str, frozenset[int]], seed: int) -> None:
    turned = dict(reversed(videos.items()))
    assert select_held_out(videos, 0.3, seed) == select_held_out(turned, 0.3, seed)
    assert make_folds(videos, 3, seed) == make_folds(turned, 3, seed)


def test_the_share_is_kept_for_every_label() -> None:
    videos = {f"{label}-{n}": frozenset([label]) for label in range(4) for n in range(20)}
    counts = Counter(video.partition("-")[0] for video in select_held_out(videos, 0.25, 0))
    assert counts == {str(label): 5 for label in range(4)}


def test_a_label_with_two_videos_is_measured_and_one_with_a_single_video_is_not() -> None:
    videos = {"a": frozenset([0]), "b": frozenset([0]), "c": frozenset([1])}
    assert len(select_held_out(videos, 0.25, 0) & {"a", "b"}) == 1
    assert "c" not in select_held_out(videos, 0.25, 0)
    assert select_held_out(videos, 0, 0) == frozenset()


def test_another_seed_holds_out_others() -> None:
    videos = {f"v{n}": frozenset([0]) for n in range(30)}
    assert len({select_held_out(videos, 0.3, seed) for seed in range(5)}) == 5
    assert sorted(shuffle_videos(list(videos), 1)) == sorted(videos)


@given(VIDEOS, st.integers(2, 5), st.integers(0, 5))
def test_folds_share_out_the_videos(videos: dict[str, frozenset[int]], count: int, seed: int) -> None:
    parts = make_folds(videos, count, seed)
    assert sorted(video for part in parts for video in part) == sorted(videos)
    assert 1 <= len(parts) <= count


def test_folds_hold_every_label_as_evenly_as_can_be() -> None:
    videos = {f"{label}-{n}": frozenset([label]) for label in range(3) for n in range(7)}
    for part in make_folds(videos, 3, 0):
        counts = Counter(video.partition("-")[0] for video in part)
        assert set(counts.values()) <= {2, 3} and len(counts) == 3
