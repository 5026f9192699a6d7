"""One weight per kind of evidence, fitted by cross-validation on the labelled frames.

The labels of each labelled frame are predicted from the other labelled frames. The log-weights of the kinds minimise
the class-balanced cross-entropy of these held-out labels (L-BFGS-B), starting from equal weights, with an L2 penalty
towards equal weights and with bounds. One scalar per kind cannot overfit; with one labelled frame the weights stay
equal. (Tian et al., 2024, use an attention network over tokens; trained on a few labels alone it lowered the accuracy.)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.arrays import LabelMap
from tasks.label_propagation.evidence import EVIDENCE_KINDS, MIN_EVIDENCE, Evidence
from tasks.sequence.label_map import UNKNOWN

EQUAL_WEIGHTS = np.ones(len(EVIDENCE_KINDS), np.float32)
L2_PENALTY = 0.005  # nats by which a weight e times off 1 must lower the loss: a smaller gain is noise
MAX_FACTOR = 4.0  # bound of a weight and of its inverse: labelled frames are farther apart than frames to be labelled
MAX_PIXELS = 20_000  # per labelled frame, evenly spread


def fit_evidence_weights(trials: Sequence[tuple[Evidence, LabelMap]]) -> NDArray[np.float32]:
    """(kinds,) weights, from held-out evidence for frames and their (h, w) true labels; deterministic."""
    from scipy.optimize import minimize

    samples = [_sample_pixels(evidence, labels) for evidence, labels in trials]
    right = np.concatenate([sample[0] for sample in samples], axis=1)
    total = np.concatenate([sample[1] for sample in samples], axis=1)
    share = np.concatenate([sample[2] for sample in samples])
    if not share.sum():
        return EQUAL_WEIGHTS

    def cost(theta: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        weight = np.exp(theta)
        of_right, of_all = weight @ right + MIN_EVIDENCE, weight @ total + 2 * MIN_EVIDENCE
        loss = -(share * np.log(of_right / of_all)).sum() / share.sum()
        slope = -(share * (right / of_right - total / of_all)).sum(axis=1) * weight / share.sum()
        return float(loss + L2_PENALTY * theta @ theta), slope + 2 * L2_PENALTY * theta

    bounds = [(-np.log(MAX_FACTOR), np.log(MAX_FACTOR))] * len(EVIDENCE_KINDS)
    found: Any = minimize(cost, np.zeros(len(EVIDENCE_KINDS)), jac=True, method="L-BFGS-B", bounds=bounds)
    return np.exp(found.x).astype(np.float32)


def _sample_pixels(
    evidence: Evidence, labels: LabelMap
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Of some labelled pixels: (kinds, n) votes for the true class, (kinds, n) all votes, (n,) balancing weights."""
    known = np.flatnonzero(labels.ravel() != UNKNOWN)
    known = known[:: max(1, len(known) // MAX_PIXELS)]
    truth = labels.ravel()[known]
    votes = evidence.votes.reshape(len(EVIDENCE_KINDS), -1, evidence.votes.shape[-1])
    right = votes[:, known, truth].astype(np.float64)
    total = evidence.weights.reshape(len(EVIDENCE_KINDS), -1)[:, known].astype(np.float64)
    count = np.bincount(truth, minlength=1)
    return right, total, 1 / count[truth]


def compute_held_out_iou(trials: Sequence[tuple[Evidence, LabelMap]], kind_weights: NDArray[np.float32]) -> float:
    """Mean intersection over union of the classes on labelled frames predicted from the others; NaN without labels."""
    pairs = [(evidence.combine_kinds(kind_weights).probabilities.argmax(axis=-1), truth) for evidence, truth in trials]
    overlaps: list[float] = []
    for number in range(max((evidence.votes.shape[-1] for evidence, _ in trials), default=0)):
        common = sum(int(((found == number) & (truth == number)).sum()) for found, truth in pairs)
        either = sum(
            int((((found == number) | (truth == number)) & (truth != UNKNOWN)).sum()) for found, truth in pairs
        )
        if sum(int((truth == number).sum()) for _, truth in pairs):
            overlaps.append(common / either)
    return float(np.mean(overlaps)) if overlaps else float("nan")
