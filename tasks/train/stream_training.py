"""Training of one stream on some rows of the labels, and its class probabilities for all rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tasks.arrays import Indices
from tasks.artifacts.action_model import FeatureSource, LinearHead, TemporalStream
from tasks.progress import track_progress
from tasks.streams.linear_head import fit_linear_head, predict_consensus
from tasks.streams.temporal_stream import extract_temporal_features, trunk_from_arrays, trunk_to_arrays
from tasks.train.fine_tune import QUANTIZATION_STEPS, CheckpointLogger, FineTuneConfig, TrainingSet, fine_tune
from tasks.train.stream_features import StreamFeatures, TrainContext


@dataclass(frozen=True, eq=False)
class TrainingData:
    """Features and labels of all rows."""

    features: Sequence[StreamFeatures]
    labels: NDArray[np.int_]
    """(n,) label of each row."""
    label_count: int
    """Number of labels."""


def train_spatial_stream(
    data: TrainingData, rows: Indices, context: TrainContext
) -> tuple[LinearHead | None, NDArray[np.float64]]:  # fmt: skip
    """A head on appearance features, trained on `rows`, and the (n, labels) probabilities of all rows."""
    params = context.params
    if params.spatial == "none":
        return None, nan_probabilities(data)
    features = [one.spatial for one in data.features]
    head = _fit_row_head(data, features, rows, params.ridge_penalty, params.spatial)
    return head, predict_rows(head, features, data)


def train_temporal_stream(
    data: TrainingData, rows: Indices, context: TrainContext, state: Path
) -> tuple[TemporalStream | None, NDArray[np.float64]]:  # fmt: skip
    """A temporal stream trained on `rows`, and (n, labels) probabilities of all rows; `state` is a checkpoint."""
    params = context.params
    if params.temporal == "none":
        return None, nan_probabilities(data)
    if params.temporal == "full":
        return _train_full_network(data, rows, context, state)
    features = [one.temporal for one in data.features]
    head = _fit_row_head(data, features, rows, params.ridge_penalty, "temporal")
    learned = None if head is None else TemporalStream(context.stream.trunk, head, context.stream.stacks)
    return learned, predict_rows(head, features, data)


def predict_rows(
    head: LinearHead | None, features: Sequence[NDArray[np.float32]], data: TrainingData
) -> NDArray[np.float64]:  # fmt: skip
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


def _fit_row_head(
    data: TrainingData,
    features: Sequence[NDArray[np.float32]],
    rows: Indices,
    ridge: float,
    feature_source: FeatureSource,
) -> LinearHead | None:
    """A head trained on all features of `rows`; None where there are none."""
    at = np.concatenate([np.full(len(features[row]), row) for row in rows]).astype(int)
    if not len(at):
        return None
    some = np.concatenate([features[row] for row in rows if len(features[row])])
    return fit_linear_head(some, data.labels[at], data.label_count, ridge, feature_source)


def _train_full_network(
    data: TrainingData, rows: Indices, context: TrainContext, state: Path
) -> tuple[TemporalStream | None, NDArray[np.float64]]:  # fmt: skip
    """Fine-tune the whole network on the stacks of `rows`."""
    params, stream, device = context.params, context.stream, context.device
    at = np.concatenate([np.full(len(data.features[row].stacks), row) for row in rows]).astype(int)
    if not len(at):
        return None, nan_probabilities(data)
    some = np.concatenate([data.features[row].stacks for row in rows if len(data.features[row].stacks)])
    config = FineTuneConfig(params.epochs, params.learning_rate, params.batch_size, params.random_mirror, params.seed)
    with track_progress("train", f"epochs on {len(some)} stacks", params.epochs, logged=True) as step:
        logger = CheckpointLogger(state, lambda _, loss: step(f"loss {loss:.3f}"))
        training_set = TrainingSet(some, data.labels[at], np.zeros(data.label_count, int))
        trunk, head = fine_tune(trunk_from_arrays(stream.trunk), training_set, config, device, logger)
    learned = TemporalStream(trunk_to_arrays(trunk), head, stream.stacks)
    features = [
        extract_temporal_features(learned, one.stacks.astype(np.float32) / np.float32(QUANTIZATION_STEPS), device)
        if len(one.stacks)
        else one.temporal
        for one in data.features
    ]
    return learned, predict_rows(head, features, data)
