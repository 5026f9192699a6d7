"""Training of one stream on some rows of the labels, and its class probabilities for all rows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tasks.arrays import Indices
from tasks.artifacts.action_model import LinearHead, TemporalStream
from tasks.progress import track_progress
from tasks.streams.temporal_stream import extract_temporal_features, trunk_from_arrays, trunk_to_arrays
from tasks.train.fine_tune import QUANTIZATION_STEPS, CheckpointLogger, FineTuneConfig, TrainingSet, fine_tune
from tasks.train.motion_head import Shares, fit_motion_head
from tasks.train.row_heads import TrainingData, fit_row_head, nan_probabilities, predict_rows
from tasks.train.stream_features import TrainContext


def train_spatial_stream(
    data: TrainingData, rows: Indices, context: TrainContext
) -> tuple[LinearHead | None, NDArray[np.float64]]:  # fmt: skip
    """A head on appearance features, trained on `rows`, and the (n, labels) probabilities of all rows."""
    params = context.params
    if params.spatial == "none":
        return None, nan_probabilities(data)
    features = [one.spatial for one in data.features]
    head = fit_row_head(data, features, rows, params.ridge_penalty, params.spatial)
    return head, predict_rows(head, features, data)


def train_temporal_stream(
    data: TrainingData, rows: Indices, context: TrainContext, state: Path, shares: Shares
) -> tuple[TemporalStream | None, NDArray[np.float64]]:  # fmt: skip
    """A temporal stream trained on `rows`, and (n, labels) probabilities of all rows.

    `state` is the checkpoint of a fine-tuning, `shares` those of a head on the pretrained network.
    """
    params = context.params
    if params.temporal == "none":
        return None, nan_probabilities(data)
    if params.temporal == "full":
        return _train_full_network(data, rows, context, state)
    head = fit_motion_head(data, rows, params.ridge_penalty, shares)
    learned = None if head is None else TemporalStream(context.stream.trunk, head, context.stream.stacks)
    return learned, predict_rows(head, [one.temporal for one in data.features], data)


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
