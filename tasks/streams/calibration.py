"""Calibration of class probabilities: temperature scaling, reliability, expected calibration error.

Guo, Pleiss, Sun and Weinberger, "On calibration of modern neural networks" (ICML 2017): one temperature, of greatest
likelihood on data that the classifier was not trained on, divides all scores; it changes no ranking. The expected
calibration error is the mean difference between confidence and accuracy over bins of confidence.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.arrays import Probabilities
from tasks.artifacts.action_model import LinearHead
from tasks.streams.linear_head import softmax

TEMPERATURES = (0.1, 20.0)
"""Bounds of the search."""
PRIOR_ROWS = 1.0
"""Strength of the prior that the temperature's logarithm is 0, in labelled rows; it counts where rows are few."""
MIN_PROBABILITY = 1e-12
RELIABILITY_BINS = 10


@dataclass(frozen=True)
class ReliabilityBin:
    """Predictions whose confidence (probability of the most likely label) lies in one interval."""

    low: float
    high: float
    count: int
    confidence: float
    """Mean confidence."""
    accuracy: float
    """Share whose most likely label is right."""


def fit_temperature(found: Probabilities, labels: NDArray[np.int_]) -> float:
    """The temperature of greatest posterior probability for (n, labels) probabilities and the (n,) true labels.

    1 where there are no rows.
    """
    if not len(labels):
        return 1.0
    from scipy.optimize import minimize_scalar

    scores = np.log(np.maximum(found.astype(np.float64), MIN_PROBABILITY))
    row = np.arange(len(labels))

    def loss(log_temperature: float) -> float:
        scaled = scores / np.exp(log_temperature)
        scaled -= scaled.max(axis=1, keepdims=True)
        surprise = np.log(np.exp(scaled).sum(axis=1)) - scaled[row, labels]
        return float(surprise.sum() + PRIOR_ROWS / 2 * log_temperature**2)

    best = minimize_scalar(loss, bounds=tuple(np.log(TEMPERATURES)), method="bounded", options={"xatol": 1e-4})
    return float(np.exp(best.x))


def apply_temperature(found: Probabilities, temperature: float) -> Probabilities:
    """(n, labels) probabilities whose scores are divided by `temperature`; NaN stays NaN."""
    return softmax(np.log(np.maximum(found, MIN_PROBABILITY)) / temperature)


def scale_head(head: LinearHead, temperature: float) -> LinearHead:
    """The head whose scores are divided by `temperature`."""
    weights, bias = head.weights / temperature, head.bias / temperature
    return replace(head, weights=weights.astype(np.float32), bias=bias.astype(np.float32))


def compute_reliability(found: Probabilities, labels: NDArray[np.int_]) -> list[ReliabilityBin]:
    """The bins of equal width that hold predictions, in order of confidence."""
    return bin_confidence(found.max(axis=1), found.argmax(axis=1) == labels)


def bin_confidence(confidence: NDArray[np.floating[Any]], right: NDArray[np.bool_]) -> list[ReliabilityBin]:
    """The bins of (n,) confidences of first labels that are `right` or not."""
    place = np.minimum((confidence * RELIABILITY_BINS).astype(int), RELIABILITY_BINS - 1)
    return [
        ReliabilityBin(
            number / RELIABILITY_BINS,
            (number + 1) / RELIABILITY_BINS,
            int((place == number).sum()),
            float(confidence[place == number].mean()),
            float(right[place == number].mean()),
        )
        for number in np.unique(place).tolist()
    ]


def compute_calibration_error(found: Probabilities, labels: NDArray[np.int_]) -> float | None:
    """Expected calibration error, 0 to 1; None without rows."""
    return average_gap(compute_reliability(found, labels)) if len(labels) else None


def average_gap(bins: Sequence[ReliabilityBin]) -> float:
    """Expected calibration error: the mean of |confidence - accuracy| over the predictions of all bins, one or more."""
    return sum(one.count * abs(one.confidence - one.accuracy) for one in bins) / sum(one.count for one in bins)
