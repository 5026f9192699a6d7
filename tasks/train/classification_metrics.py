"""Metrics on held-out videos: top-1 accuracy, confusion matrix and calibration error, per stream and fused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.arrays import Probabilities
from tasks.streams.calibration import compute_calibration_error


def mark_predicted(found: Probabilities) -> NDArray[np.bool_]:
    """(n,) whether the stream has a prediction: its row is not NaN."""
    return np.asarray(np.isfinite(found).all(axis=1))


def compute_top1(found: Probabilities, labels: NDArray[np.int_]) -> float | None:
    """Share of rows whose most likely label is right, a row without a prediction counts as wrong; None without rows."""
    if not len(labels):
        return None
    right = (np.nan_to_num(found, nan=-1.0).argmax(axis=1) == labels) & mark_predicted(found)
    return float(right.mean())


def compute_confusion(found: Probabilities, labels: NDArray[np.int_]) -> list[list[int]]:
    """(labels, labels) counts: rows true, columns predicted labels; rows without a prediction are left out."""
    count = found.shape[1]
    table = np.zeros((count, count), int)
    known = mark_predicted(found)
    np.add.at(table, (labels[known], found[known].argmax(axis=1)), 1)
    return table.tolist()


def compute_metrics(
    streams: Mapping[str, Probabilities], labels: NDArray[np.int_], names: Sequence[str]
) -> dict[str, Any]:
    """Metrics of each stream on held-out rows, ready for JSON."""
    per_label = np.bincount(labels, minlength=len(names)) if len(labels) else np.zeros(len(names), int)
    return {
        "held_out": len(labels),
        "held_out_per_label": dict(zip(names, per_label.tolist(), strict=True)),
        "top1": {name: compute_top1(found, labels) for name, found in streams.items()},
        "confusion": {name: compute_confusion(found, labels) for name, found in streams.items()},
        "calibration_error": {name: _error_of_predicted(found, labels) for name, found in streams.items()},
    }


def _error_of_predicted(found: Probabilities, labels: NDArray[np.int_]) -> float | None:
    known = mark_predicted(found)
    return compute_calibration_error(found[known], labels[known])
