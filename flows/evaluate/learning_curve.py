"""How well both action streams know a set of clips, and how many clips of each label that takes.

Heads are trained on features of the frozen networks as `train` does with a team's labels. For the curve they learn from
the first clips of each label alone, in three ways: as many of each; imbalanced, half as many of the second label and a
quarter of the third, and so on in turn; and with one more label for clips that show none of the others, as
`train.background_label` makes it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from flows.evaluate.score_table import TableRow
from tasks.arrays import Indices
from tasks.artifacts.action_model import LinearHead, TemporalStream
from tasks.streams.fusion import fuse_probabilities
from tasks.train.classification_metrics import compute_top1
from tasks.train.motion_head import fit_motion_shares
from tasks.train.row_heads import TrainingData
from tasks.train.stream_features import StreamFeatures, TrainContext
from tasks.train.stream_training import train_spatial_stream, train_temporal_stream
from tasks.train.train_action_model import fit_stream_fusion

NO_CHECKPOINT = Path()  # heads are learned at once: nothing to go on with
LEARNING_CURVE = (5, 10, 20)
"""Clips of each label that are learned from."""
IMBALANCE = (1, 2, 4)
"""Divisors of that number, for the labels in turn."""


@dataclass(frozen=True, eq=False)
class ClipFeatures:
    """Clips to learn from and to measure on, with the features of both networks."""

    features: Sequence[StreamFeatures]
    label: NDArray[np.int_]
    """(n,) label of each clip, from 0."""
    number: NDArray[np.int_]
    """(n,) which of its label's clips it is, from 0."""
    names: Sequence[str]
    is_learned: NDArray[np.bool_]
    """(n,) whether it is there to learn from; the others are measured on."""

    @property
    def label_count(self) -> int:
        """Number of labels."""
        return int(self.label.max()) + 1

    def take(self, rows: Indices) -> ClipFeatures:
        """The clips at `rows`."""
        return ClipFeatures(
            [self.features[row] for row in map(int, rows)],
            self.label[rows],
            self.number[rows],
            [self.names[row] for row in map(int, rows)],
            self.is_learned[rows],
        )


@dataclass(frozen=True, eq=False)
class LearnedStreams:
    """Probabilities of all clips."""

    probabilities: dict[str, NDArray[np.float64]]
    """(n, labels) of the streams `spatial` and `temporal` and of both `fused`."""
    motion_share: float
    """Weight of the motion stream in the fusion, 0..1."""


def learn_streams(clips: ClipFeatures, rows: Indices, context: TrainContext) -> LearnedStreams:
    """Both streams and their fusion, learned from the clips at `rows`."""
    data = TrainingData(clips.features, clips.label, clips.label_count)
    shares = fit_motion_shares(data, rows, clips.names, context.params)

    def train_spatial(some: Indices) -> tuple[LinearHead | None, NDArray[np.float64]]:
        return train_spatial_stream(data, some, context)

    def train_temporal(some: Indices) -> tuple[TemporalStream | None, NDArray[np.float64]]:
        return train_temporal_stream(data, some, context, NO_CHECKPOINT, shares)

    fusion = fit_stream_fusion(data, rows, clips.names, context.params, (train_spatial, train_temporal))
    rgb, flow = fusion.calibrate(train_spatial(rows)[1], train_temporal(rows)[1])
    fused = fuse_probabilities(rgb, flow, fusion.weights)
    return LearnedStreams({"spatial": rgb, "temporal": flow, "fused": fused}, fusion.weights[1] / sum(fusion.weights))


def measure_learning_curve(clips: ClipFeatures, none_label: int | None, context: TrainContext) -> list[TableRow]:
    """A row for each number of LEARNING_CURVE that the clips suffice for: top-1 of the fused streams on the others.

    `none_label`, the last label, stands for none of the others; without it `clips` have no such columns.
    """
    known = clips.take(np.flatnonzero(clips.label != none_label)) if none_label is not None else clips
    rows: list[TableRow] = []
    for count in LEARNING_CURVE:
        if count > clips.number[clips.is_learned].max() + 1:
            break
        share = np.array(IMBALANCE)[known.label % len(IMBALANCE)]
        row: dict[str, str | float] = {
            "clips of each label": count,
            "fused": _score(known, known.number < count, context)[0],
            "imbalanced": _score(known, known.number < np.maximum(count // share, 1), context)[0],
        }
        if none_label is not None:
            top1, found = _score(clips, clips.number < count, context)
            row["with none of these"] = top1
            row["recall of none"] = found[none_label]
        rows.append(row)
    return rows


def _score(clips: ClipFeatures, wanted: NDArray[np.bool_], context: TrainContext) -> tuple[float, NDArray[np.float64]]:
    """Top-1 over the clips to measure on, and by label, learned from those of the `wanted` that are there to learn."""
    fused = learn_streams(clips, np.flatnonzero(wanted & clips.is_learned), context).probabilities["fused"]
    measured = ~clips.is_learned
    by_label = [
        compute_top1(fused[here], clips.label[here]) or 0.0
        for here in (measured & (clips.label == label) for label in range(clips.label_count))
    ]
    return compute_top1(fused[measured], clips.label[measured]) or 0.0, np.array(by_label)
