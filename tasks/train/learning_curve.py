"""The learning curve: accuracy on videos that were not learned, by the number of labelled segments that were.

It says whether more labels would help: a curve that still rises at its end says yes. Heads are trained on 5, 10, 20 and
all segments of the other folds of the videos, so that every segment is predicted once without its video; with fewer
than all by several choices of them. Only heads are trained, on features that are there: a fraction of the training.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tasks.arrays import Indices, Probabilities
from tasks.streams.fusion import fuse_probabilities
from tasks.train.classification_metrics import compute_top1
from tasks.train.motion_head import Shares, fit_motion_head
from tasks.train.params import TrainParams
from tasks.train.row_heads import TrainingData, fit_row_head, nan_probabilities, predict_rows
from tasks.train.split_videos import group_labels_by_video, make_folds

SIZES = (5, 10, 20)
CHOICES = 3
"""Different choices of the segments, where not all are learned."""


@dataclass(frozen=True)
class CurveSettings:
    """How both streams' heads are trained and joined."""

    params: TrainParams
    shares: Shares
    """Of the heads of the motion stream."""
    weights: tuple[float, float]
    """Of the spatial and of the temporal stream."""


def measure_learning_curve(
    data: TrainingData, videos: Sequence[str], settings: CurveSettings
) -> list[dict[str, int | float]]:
    """`segments` learned to `top1` accuracy of both streams' heads, ascending; empty where a label has one video, or
    the motion network is fine-tuned, which takes too long to be done again."""
    params = settings.params
    every = np.arange(len(data.labels))
    folds = make_folds(group_labels_by_video(every, videos, data.labels), params.folds, params.seed)
    if len(folds) < 2 or params.temporal == "full":  # noqa: PLR2004  a split needs two parts
        return []
    inside = [np.array([video in fold for video in videos]) for fold in folds]
    most = min(int((~held).sum()) for held in inside)
    sizes = [size for size in SIZES if data.label_count <= size < most] + [most]
    found: list[dict[str, int | float]] = []
    for size in sizes:
        scores: list[float] = []
        for choice in range(CHOICES if size < most else 1):
            predicted = nan_probabilities(data)
            for held in inside:
                learned = choose_rows(data, every[~held], size, f"{params.seed}/{choice}")
                predicted[held] = _predict(data, learned, settings)[held]
            scores.append(compute_top1(predicted, data.labels) or 0.0)
        found.append({"segments": size, "top1": round(float(np.mean(scores)), 4)})
    return found


def choose_rows(data: TrainingData, rows: Indices, size: int, salt: str) -> Indices:
    """`size` of the rows, the labels in turn, in an order that depends on the row numbers and `salt` alone."""
    shuffled = sorted(rows.tolist(), key=lambda row: hashlib.sha256(f"{salt}/{row}".encode()).hexdigest())
    seen: dict[int, int] = {}
    turns: list[tuple[int, int, int]] = []
    for place, row in enumerate(shuffled):
        label = int(data.labels[row])
        turns.append((seen.get(label, 0), place, row))
        seen[label] = seen.get(label, 0) + 1
    return np.array(sorted(row for _, _, row in sorted(turns)[:size]), dtype=np.intp)


def _predict(data: TrainingData, rows: Indices, settings: CurveSettings) -> Probabilities:
    """(n, labels) probabilities of all rows by heads that are trained on `rows`."""
    params = settings.params
    spatial = temporal = nan_probabilities(data)
    if params.spatial != "none":
        features = [one.spatial for one in data.features]
        spatial = predict_rows(fit_row_head(data, features, rows, params.ridge_penalty, params.spatial), features, data)
    if params.temporal == "head":
        head = fit_motion_head(data, rows, params.ridge_penalty, settings.shares)
        temporal = predict_rows(head, [one.temporal for one in data.features], data)
    return fuse_probabilities(spatial, temporal, settings.weights)
