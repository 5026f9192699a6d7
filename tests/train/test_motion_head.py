"""The motion stream's head: order in time is found in features that few labels would not show it in."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from tasks.streams.linear_head import predict_consensus
from tasks.train.motion_head import fit_motion_head, fit_motion_shares
from tasks.train.params import TrainParams
from tasks.train.row_heads import TrainingData, predict_rows
from tasks.train.stream_features import StreamFeatures

MakeParams = Callable[..., TrainParams]
STACKS, FEATURES = 3, 60
NO_PICTURES, NO_STACKS = np.empty((0, 0), np.float32), np.empty((0, 0, 0, 0), np.int8)
RIDGE = 0.1


def make_data(rows: int, seed: int, *, order: float, pose: float) -> TrainingData:
    """Two labels, told apart by how ten features differ when time runs backwards (`order`) and by five others (`pose`).

    All features vary from row to row much more than either, and that alike in both ways.
    """
    random, axes = np.random.default_rng(seed), np.random.default_rng(99)
    odd, even = axes.normal(size=(2, FEATURES))
    labels = np.arange(rows) % 2
    features: list[StreamFeatures] = []
    for label in labels:
        common = random.normal(0, 4, FEATURES) + (2 * label - 1) * pose * even + random.normal(size=(STACKS, FEATURES))
        change = (2 * label - 1) * order * odd + random.normal(0, 0.5, (STACKS, FEATURES))
        both = np.concatenate([common + change, common - change], axis=1).astype(np.float32)
        features.append(StreamFeatures(NO_PICTURES, both, NO_STACKS))
    return TrainingData(features, labels, 2)


def train(data: TrainingData, rows: np.ndarray, params: TrainParams) -> tuple[tuple[float, float], float]:
    """The shares, and top-1 on the other rows."""
    shares = fit_motion_shares(data, rows, [f"video {n}" for n in range(len(data.labels))], params)
    head = fit_motion_head(data, rows, RIDGE, shares)
    assert head is not None and head.feature_source == "temporal-both-ways"
    assert head.weights.shape == (2 * FEATURES, 2)
    found = predict_rows(head, [one.temporal for one in data.features], data)
    rest = np.setdiff1d(np.arange(len(data.labels)), rows)
    return shares, float((found[rest].argmax(axis=1) == data.labels[rest]).mean())


def test_labels_that_differ_in_the_order_of_time_are_told(params: MakeParams) -> None:
    (plain, order), share = train(make_data(80, 0, order=0.15, pose=0), np.arange(24), params())
    assert share > 0.9
    assert order > 2 * plain


def test_labels_that_differ_in_anything_else_are_told_too(params: MakeParams) -> None:
    (plain, order), share = train(make_data(80, 1, order=0, pose=3), np.arange(24), params())
    assert share > 0.9
    assert plain > 2 * order


def test_the_joined_head_is_the_product_of_both(params: MakeParams) -> None:
    data = make_data(20, 2, order=0.2, pose=1)
    rows = np.arange(20)
    each = [fit_motion_head(data, rows, RIDGE, shares) for shares in ((1.0, 0.0), (0.0, 1.0), (0.7, 1.6))]
    heads = [head for head in each if head is not None]
    plain, order, both = (np.log(predict_consensus(head, data.features[3].temporal)) for head in heads)
    expected = 0.7 * plain + 1.6 * order
    assert both - both[0] == pytest.approx(expected - expected[0], abs=1e-4)


def test_one_video_of_a_label_gives_equal_shares_and_no_stack_no_head(params: MakeParams) -> None:
    data = make_data(6, 3, order=1, pose=1)
    assert fit_motion_shares(data, np.arange(2), [str(n) for n in range(6)], params()) == (0.5, 0.5)
    none = StreamFeatures(NO_PICTURES, np.empty((0, 2 * FEATURES), np.float32), NO_STACKS)
    nothing = TrainingData([none] * 6, data.labels, 2)
    assert fit_motion_head(nothing, np.arange(6), RIDGE, (1.0, 1.0)) is None
    assert fit_motion_shares(nothing, np.arange(6), [str(n) for n in range(6)], params()) == (0.5, 0.5)
