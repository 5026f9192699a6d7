"""The head of the motion stream: one head on the features of a stack and one on the order of time, joined.

f are the features of a stack, b those of the same stack played backwards. f - b changes its sign when time is reversed,
so it holds all that tells a movement from its reverse, such as a throw from a catch, and nothing that both share; that
a video runs forwards shows in such features (Pickup et al., "Seeing the arrow of time", CVPR 2014). Among the many
features of f a head learned from few labels hardly finds it. So there are two heads, on f and on f - b, and their
probabilities are multiplied, each to the power of its share, like those of two streams (tasks/streams/fusion.py): a
linear head on f and b again. The shares are those of greatest likelihood on folds of the training videos.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tasks.arrays import Indices
from tasks.artifacts.action_model import LinearHead
from tasks.streams.calibration import apply_temperature, fit_temperature
from tasks.streams.fusion import EQUAL_WEIGHTS, fit_fusion_weights
from tasks.train.classification_metrics import mark_predicted
from tasks.train.params import TrainParams
from tasks.train.row_heads import RowFeatures, TrainingData, fit_row_head, nan_probabilities, predict_rows
from tasks.train.split_videos import group_labels_by_video, make_folds

Shares = tuple[float, float]
"""Exponents of the head on the features and of the head on the order of time."""


def fit_motion_head(data: TrainingData, rows: Indices, ridge: float, shares: Shares) -> LinearHead | None:
    """The joined head on (stacks, 2 d) features of both ways, trained on `rows`; None where these hold no stack."""
    plain, order = (fit_row_head(data, part, rows, ridge, "temporal") for part in _split_features(data))
    if plain is None or order is None:
        return None
    by_features, by_order = shares[0] * plain.weights, shares[1] * order.weights
    weights = np.concatenate([by_features + by_order, -by_order]).astype(np.float32)
    bias = (shares[0] * plain.bias + shares[1] * order.bias).astype(np.float32)
    return LinearHead("temporal-both-ways", weights, bias)


def fit_motion_shares(data: TrainingData, rows: Indices, videos: Sequence[str], params: TrainParams) -> Shares:
    """The shares by cross-validation on `rows`; equal ones where these have too few videos or stacks.

    `videos` names the video of each row of `data`: a fold holds whole videos.
    """
    parts = make_folds(group_labels_by_video(rows, videos, data.labels), params.folds, params.seed)
    if len(parts) < 2:  # noqa: PLR2004  a split needs two parts
        return EQUAL_WEIGHTS
    found: list[NDArray[np.float64]] = []
    for features in _split_features(data):
        predicted = nan_probabilities(data)
        for part in parts:
            inside = np.array([videos[row] in part for row in rows])
            head = fit_row_head(data, features, rows[~inside], params.ridge_penalty, "temporal")
            predicted[rows[inside]] = predict_rows(head, features, data)[rows[inside]]
        found.append(predicted)
    known = rows[mark_predicted(found[0][rows])]
    if not len(known):
        return EQUAL_WEIGHTS
    labels = data.labels[known]
    first, second = (fit_temperature(each[known], labels) for each in found)
    weights = fit_fusion_weights(
        apply_temperature(found[0][known], first), apply_temperature(found[1][known], second), labels
    )
    return weights[0] / first, weights[1] / second


def _split_features(data: TrainingData) -> tuple[RowFeatures, RowFeatures]:
    """The features of each row's stacks, and their differences from those backwards."""
    halves = [np.split(one.temporal, 2, axis=1) for one in data.features]
    return [forwards for forwards, _ in halves], [forwards - backwards for forwards, backwards in halves]
