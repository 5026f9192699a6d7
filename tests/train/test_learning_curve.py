"""The learning curve: by videos that were not learned, in a repeatable order, rising where labels help."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tasks.train.learning_curve import CurveSettings, choose_rows, measure_learning_curve
from tasks.train.row_heads import TrainingData
from tasks.train.stream_features import StreamFeatures

SIZE, PER_LABEL = 12, 12
NOTHING = np.empty((0, 0), np.float32)
NO_STACKS = np.empty((0, 0, 0, 0), np.int8)


def make_data(noise: float, labels: int = 2) -> tuple[TrainingData, list[str]]:
    """Segments of either label around its own point; each of a video of its own."""
    rng = np.random.default_rng(0)
    truth = np.tile(np.arange(labels), PER_LABEL)
    points = np.eye(SIZE)[truth] * 3
    features = [
        StreamFeatures((point + rng.normal(0, noise, (2, SIZE))).astype(np.float32), NOTHING, NO_STACKS)
        for point in points
    ]
    return TrainingData(features, truth, labels), [f"film{n}" for n in range(len(truth))]


def make_settings(params: Any, **changed: object) -> CurveSettings:
    return CurveSettings(params(spatial="mobilenet-v2", temporal="none", folds=4, **changed), (1.0, 1.0), (1.0, 0.0))


def test_it_ends_with_all_segments_of_the_other_folds_and_is_the_same_again(params: Any) -> None:
    data, videos = make_data(1.5)
    curve = measure_learning_curve(data, videos, make_settings(params))
    assert [point["segments"] for point in curve] == [5, 10, 18], "of 24 segments a quarter is held out"
    assert all(0 <= point["top1"] <= 1 for point in curve)
    assert curve[-1]["top1"] > curve[0]["top1"]
    assert measure_learning_curve(data, videos, make_settings(params)) == curve


def test_it_is_of_videos_that_were_not_learned(params: Any) -> None:
    data, videos = make_data(0.01)
    assert measure_learning_curve(data, videos, make_settings(params))[-1]["top1"] == 1.0
    shuffled = TrainingData(data.features, np.random.default_rng(3).permutation(data.labels), 2)
    chance = measure_learning_curve(shuffled, videos, make_settings(params))[-1]["top1"]
    assert chance < 0.8, "labels without meaning cannot be predicted, though they can be learned by heart"


def test_there_is_none_where_a_label_has_one_video_or_the_network_is_fine_tuned(params: Any) -> None:
    data, videos = make_data(0.1)
    one = [video if label else "film" for video, label in zip(videos, data.labels, strict=True)]
    assert measure_learning_curve(data, one, make_settings(params)) == []
    full = CurveSettings(params(spatial="mobilenet-v2", temporal="full"), (1.0, 1.0), (1.0, 1.0))
    assert measure_learning_curve(data, videos, full) == []


@pytest.mark.parametrize("size", [3, 7, 9])
def test_labels_take_turns(size: int) -> None:
    data, _ = make_data(0.1, labels=3)
    rows = choose_rows(data, np.arange(len(data.labels)), size, "0")
    counts = np.bincount(data.labels[rows], minlength=3)
    assert counts.sum() == size and counts.max() - counts.min() <= 1
    assert (choose_rows(data, np.arange(len(data.labels)), size, "1") != rows).any()
