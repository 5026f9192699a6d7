"""Metrics of a team's action model for the index page: per label, confusion, per stream."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tasks.artifacts.action_model import ActionModel
from tasks.artifacts.artifact import DATASET_ITEM

STREAMS = {"spatial": "appearance", "temporal": "motion", "fused": "fused"}
"""Name in the metrics to the name that readers see."""


@dataclass(frozen=True)
class LabelScore:
    """Scores of one label on held-out rows."""

    label: str
    count: int
    """Held-out rows of the label."""
    recall: float | None
    """Share of them that were predicted as the label; None without any."""
    precision: float | None
    """Share of the predictions of the label that were right; None without any."""
    predicted: tuple[int, ...]
    """Rows of the label by predicted label."""


@dataclass(frozen=True)
class StreamScore:
    """Scores of one stream on held-out rows."""

    name: str
    top1: float
    calibration_error: float | None


@dataclass(frozen=True)
class ModelSummary:
    """What the index page says of a team's action model."""

    trained: int
    """Rows of the labels that it was trained on."""
    held_out: int
    """Rows that it was measured on."""
    streams: tuple[StreamScore, ...]
    labels: tuple[LabelScore, ...]
    """Scores of the best that the model has: both streams fused, or its only one."""
    curve: tuple[tuple[int, float], ...] = ()
    """Segments learned and accuracy on videos that were not, ascending; empty where it is not known."""


def summarise_action_model(root: Path) -> ModelSummary | None:
    """The summary of the project's action model; None where it is not trained on a team's labels."""
    path = ActionModel.path(root, DATASET_ITEM)
    if not path.is_file():
        return None
    model = ActionModel.load(path)
    if model.vocabulary != "team":
        return None
    metrics = model.metrics
    errors = metrics.get("calibration_error", {})
    streams = tuple(
        StreamScore(word, metrics["top1"][name], errors.get(name))
        for name, word in STREAMS.items()
        if metrics["top1"].get(name) is not None
    )
    return ModelSummary(
        metrics["trained"],
        metrics["held_out"],
        streams,
        score_labels(model.labels, metrics["confusion"]["fused"]),
        tuple((point["segments"], point["top1"]) for point in metrics.get("learning_curve", ())),
    )


def score_labels(labels: Sequence[str], confusion: Sequence[Sequence[int]]) -> tuple[LabelScore, ...]:
    """Recall and precision of each label by a confusion matrix, rows true and columns predicted labels."""
    columns = [sum(column) for column in zip(*confusion, strict=True)]
    return tuple(
        LabelScore(
            label,
            sum(row),
            row[place] / sum(row) if sum(row) else None,
            row[place] / columns[place] if columns[place] else None,
            tuple(row),
        )
        for place, (label, row) in enumerate(zip(labels, confusion, strict=True))
    )
