"""One stream learned from some of the rows, and its opinion about all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tasks.arrays import Indices
from tasks.artifacts.action_model import FeatureSource, LinearHead, TemporalStream
from tasks.progress import track_progress
from tasks.streams.linear_head import fit_linear_head, predict_probabilities
from tasks.streams.temporal_stream import extract_temporal_features, trunk_from_arrays, trunk_to_arrays
from tasks.train.fine_tune import QUANTIZATION_STEPS, CheckpointLogger, FineTuneConfig, TrainingSet, fine_tune
from tasks.train.stream_features import StreamFeatures, TrainContext


@dataclass(frozen=True, eq=False)
class TrainingData:
    """All rows with what was seen of them."""

    looks: Sequence[StreamFeatures]
    labels: NDArray[np.int_]
    """(n,) label of each row."""
    count: int
    """Labels."""


def train_spatial_stream(
    material: TrainingData, rows: Indices, means: TrainContext
) -> tuple[LinearHead | None, NDArray[np.float64]]:  # fmt: skip
    """A head on appearance that learned from `rows`, and the (n, labels) opinions about all rows."""
    params = means.params
    if params.spatial == "none":
        return None, nan_probabilities(material)
    features = [one.spatial for one in material.looks]
    head = _fit_row_head(material, features, rows, params.ridge, params.spatial)
    return head, predict_rows(head, features, material)


def train_temporal_stream(
    material: TrainingData, rows: Indices, means: TrainContext, state: Path
) -> tuple[TemporalStream | None, NDArray[np.float64]]:  # fmt: skip
    """A stream of motion that learned from `rows`, and the opinions; `state` keeps a training that takes long."""
    params = means.params
    if params.temporal == "none":
        return None, nan_probabilities(material)
    if params.temporal == "full":
        return _train_full_network(material, rows, means, state)
    features = [one.temporal for one in material.looks]
    head = _fit_row_head(material, features, rows, params.ridge, "temporal")
    learned = None if head is None else TemporalStream(means.stream.trunk, head, means.stream.stacks)
    return learned, predict_rows(head, features, material)


def predict_rows(
    head: LinearHead | None, features: Sequence[NDArray[np.float32]], material: TrainingData
) -> NDArray[np.float64]:  # fmt: skip
    """(n, labels) mean probabilities over the looks at each row; NaN where there was none."""
    found = nan_probabilities(material)
    if head is not None:
        for row, seen in enumerate(features):
            if len(seen):
                found[row] = predict_probabilities(head, seen).mean(axis=0, dtype=np.float64)
    return found


def nan_probabilities(material: TrainingData) -> NDArray[np.float64]:
    """(n, labels) NaN: a stream without an opinion."""
    return np.full((len(material.labels), material.count), np.nan)


def _fit_row_head(
    material: TrainingData, features: Sequence[NDArray[np.float32]], rows: Indices, ridge: float, seen: FeatureSource
) -> LinearHead | None:  # fmt: skip
    """A head that learned from every look at `rows`; None where there are no looks."""
    at = np.concatenate([np.full(len(features[row]), row) for row in rows]).astype(int)
    if not len(at):
        return None
    some = np.concatenate([features[row] for row in rows if len(features[row])])
    return fit_linear_head(some, material.labels[at], material.count, ridge, seen)


def _train_full_network(
    material: TrainingData, rows: Indices, means: TrainContext, state: Path
) -> tuple[TemporalStream | None, NDArray[np.float64]]:  # fmt: skip
    """All of the network learns."""
    params, stream, device = means.params, means.stream, means.device
    at = np.concatenate([np.full(len(material.looks[row].stacks), row) for row in rows]).astype(int)
    if not len(at):
        return None, nan_probabilities(material)
    some = np.concatenate([material.looks[row].stacks for row in rows if len(material.looks[row].stacks)])
    schedule = FineTuneConfig(params.epochs, params.learning_rate, params.batch, params.flip, params.seed)
    with track_progress("train", f"epochs on {len(some)} stacks", params.epochs, logged=True) as step:
        diary = CheckpointLogger(state, lambda _, loss: step(f"loss {loss:.3f}"))
        lesson = TrainingSet(some, material.labels[at], np.zeros(material.count, int))
        trunk, head = fine_tune(trunk_from_arrays(stream.trunk), lesson, schedule, device, diary)
    learned = TemporalStream(trunk_to_arrays(trunk), head, stream.stacks)
    features = [
        extract_temporal_features(learned, one.stacks.astype(np.float32) / np.float32(QUANTIZATION_STEPS), device)
        if len(one.stacks)
        else one.temporal
        for one in material.looks
    ]
    return learned, predict_rows(head, features, material)
