"""Train/test split and cross-validation folds by whole videos, stratified by label.

Windows of one video are alike; with some of them on both sides the test would measure memorisation. The split depends
on the videos' names, their labels and the seed alone."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from tasks.arrays import Indices

MIN_VIDEOS_TO_HOLD_OUT = 2  # videos of a label, from which on one is held out


def select_held_out(videos: Mapping[str, frozenset[int]], share: float, seed: int) -> frozenset[str]:
    """About `share` of the videos of each label, at least one where it has two; every label keeps one to train on.

    `videos` maps names to the labels that occur in them. Rare labels are served first.
    """
    chosen: set[str] = set()
    by_label: dict[int, list[str]] = {}
    for video in shuffle_videos(list(videos), seed):
        for label in videos[video]:
            by_label.setdefault(label, []).append(video)
    for _, having in sorted(by_label.items(), key=lambda item: (len(item[1]), item[0])):
        wanted = max(1, round(share * len(having))) if len(having) >= MIN_VIDEOS_TO_HOLD_OUT and share > 0 else 0
        for video in having:
            if sum(other in chosen for other in having) >= wanted:
                break
            if video not in chosen and _leaves_training_videos(videos[video], by_label, chosen | {video}):
                chosen.add(video)
    return frozenset(chosen)


def make_folds(videos: Mapping[str, frozenset[int]], count: int, seed: int) -> list[frozenset[str]]:
    """Up to `count` folds of the videos, stratified by label; not more than the rarest label has videos."""
    frequency: dict[int, int] = {}
    for labels in videos.values():
        for label in labels:
            frequency[label] = frequency.get(label, 0) + 1
    count = min([count, *frequency.values()])
    folds: list[set[str]] = [set() for _ in range(max(count, 1))]
    held: list[dict[int, int]] = [{} for _ in folds]
    rare_first = sorted(
        shuffle_videos(list(videos), seed), key=lambda video: min(frequency[label] for label in videos[video])
    )
    for video in rare_first:
        place = min(
            range(len(folds)), key=lambda n: (sum(held[n].get(label, 0) for label in videos[video]), len(folds[n]), n)
        )
        folds[place].add(video)
        for label in videos[video]:
            held[place][label] = held[place].get(label, 0) + 1
    return [frozenset(part) for part in folds]


def group_labels_by_video(rows: Indices, videos: Sequence[str], labels: NDArray[np.int_]) -> dict[str, frozenset[int]]:
    """The labels of each video among `rows` of (n,) `labels`, whose videos are `videos`."""
    found: dict[str, set[int]] = {}
    for row in map(int, rows):
        found.setdefault(videos[row], set()).add(int(labels[row]))
    return {video: frozenset(numbers) for video, numbers in found.items()}


def shuffle_videos(videos: Sequence[str], seed: int) -> list[str]:
    """In a pseudo-random order that depends on the names and the seed alone."""
    return sorted(videos, key=lambda video: hashlib.sha256(f"{seed}/{video}".encode()).hexdigest())


def _leaves_training_videos(labels: frozenset[int], by_label: Mapping[int, Sequence[str]], chosen: set[str]) -> bool:
    return all(any(video not in chosen for video in by_label[label]) for label in labels)
