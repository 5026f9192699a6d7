"""Linear heads on the features of labelled rows: a row is a segment with several clips or stacks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.arrays import Indices
from tasks.artifacts.action_model import FeatureSource, LinearHead
from tasks.streams.linear_head import fit_linear_head, predict_consensus
from tasks.train.stream_features import StreamFeatures

RowFeatures = Sequence[NDArray[np.float32]]
"""(clips or stacks, d) of each row."""


@dataclass(frozen=True, eq=False)
class TrainingData:
    """Features and labels of all rows."""

    features: Sequence[StreamFeatures]
    labels: NDArray[np.int_]
    """(n,) label of each row."""
    label_count: int
    """Number of labels."""


def predict_rows(head: LinearHead | None, features: RowFeatures, data: TrainingData) -> NDArray[np.float64]:
    """(n, labels) probabilities of each row by the consensus of its clips or stacks; NaN where it has none."""
    found = nan_probabilities(data)
    if head is not None:
        for row, inputs in enumerate(features):
            if len(inputs):
                found[row] = predict_consensus(head, inputs)
    return found


def nan_probabilities(data: TrainingData) -> NDArray[np.float64]:
    """(n, labels) NaN: no prediction."""
    return np.full((len(data.labels), data.label_count), np.nan)


def fit_row_head(
    data: TrainingData, features: RowFeatures, rows: Indices, ridge: float, feature_source: FeatureSource
) -> LinearHead | None:  # fmt: skip
    """A head trained on all features of `rows`; None where there are none."""
    at = np.concatenate([np.full(len(features[row]), row) for row in rows]).astype(int)
    if not len(at):
        return None
    some = np.concatenate([features[row] for row in rows if len(features[row])])
    return fit_linear_head(some, data.labels[at], data.label_count, ridge, feature_source)
