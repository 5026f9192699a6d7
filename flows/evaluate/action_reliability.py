"""Reliability of action recognition on labelled clips: is a window's first label as often right as it is probable?

Every window of a labelled clip counts as one prediction, since `confident` is said of windows. Those of clips that show
none of the actions (label NO_ACTION) count where confident labels are: each is wrong there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from flows.evaluate.score_table import TableRow
from tasks.artifacts.actions import STREAMS, Actions
from tasks.streams.calibration import average_gap, bin_confidence

NO_ACTION = "none"
"""Label of a clip that shows none of the vocabularies' actions."""


@dataclass(frozen=True)
class WindowPrediction:
    """The first label of one stream for one subject in one window."""

    stream: str
    vocabulary: str
    label: str
    probability: float
    confident: bool = False


def list_window_predictions(actions: Actions) -> list[WindowPrediction]:
    """The first labels of all windows, streams and subjects, in the order of the table."""
    best = actions.take(actions.best)
    rows = zip(
        best.stream, best.vocabulary, best.label, best.probability.tolist(), best.confident.tolist(), strict=True
    )
    return [WindowPrediction(*row) for row in rows]


def measure_reliability(
    labelled: Sequence[tuple[str | None, Sequence[WindowPrediction]]], vocabularies: Mapping[str, Sequence[str]]
) -> tuple[dict[str, float], dict[str, list[TableRow]]]:
    """Expected calibration error by stream, and a reliability diagram as a table, a row for each bin of confidence.

    `labelled` holds the true label of each clip and its windows; only windows whose vocabulary has the label count.
    """
    errors: dict[str, float] = {}
    tables: dict[str, list[TableRow]] = {}
    for stream in STREAMS:
        pairs = [
            (window.probability, window.label == label)
            for label, windows in labelled
            for window in windows
            if window.stream == stream and label in vocabularies.get(window.vocabulary, ())
        ]
        if pairs:
            confidence, right = (np.array(part) for part in zip(*pairs, strict=True))
            bins = bin_confidence(confidence.astype(np.float64), right.astype(np.bool_))
            errors[f"ece {stream}"] = average_gap(bins)
            tables[f"reliability, {stream}"] = [
                {
                    "confidence": f"{one.low:.1f} to {one.high:.1f}",
                    "windows": one.count,
                    "mean confidence": one.confidence,
                    "right": one.accuracy,
                }
                for one in bins
            ]
    return errors, tables


def count_confident(
    labelled: Sequence[tuple[str | None, Sequence[WindowPrediction]]], vocabularies: Mapping[str, Sequence[str]]
) -> dict[str, float]:
    """Windows with a confident label, right and wrong, by stream; of clips whose label it has, or with NO_ACTION."""
    counts: dict[str, float] = {}
    for stream in STREAMS:
        right = [
            window.label == label
            for label, windows in labelled
            for window in windows
            if window.stream == stream
            and window.confident
            and (label == NO_ACTION or label in vocabularies.get(window.vocabulary, ()))
        ]
        if any(window.stream == stream for _, windows in labelled for window in windows):
            counts |= {f"confident right {stream}": sum(right), f"confident wrong {stream}": len(right) - sum(right)}
    return counts
