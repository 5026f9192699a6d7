"""How much each kind of evidence is heard: learned from how well labelled frames foretell each other.

Each labelled frame is foretold from the others, and the log-weights of the kinds are moved, from even ones, to where
the cross-entropy of what is known is least. One number per kind, drawn back to even and bounded: it cannot overfit,
and with one labelled frame it stays even. (Tian et al., 2024, attend over tokens by a network; one that was trained on
few labels alone did harm here.)
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
PULL = 0.005  # nats by which a weight e times off even must pay: less of a gain is noise
FARTHEST = 4.0  # times off even at most: labelled frames lie farther apart than most frames from a labelled one
PIXELS = 20_000  # per labelled frame at most, evenly spread


def fit_evidence_weights(trials: Sequence[tuple[Evidence, LabelMap]]) -> NDArray[np.float32]:
    """(kinds,) weights, from evidence for frames and their (h, w) true labels; deterministic."""
    from scipy.optimize import minimize

    samples = [_sampled(evidence, labels) for evidence, labels in trials]
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
        return float(loss + PULL * theta @ theta), slope + 2 * PULL * theta

    bounds = [(-np.log(FARTHEST), np.log(FARTHEST))] * len(EVIDENCE_KINDS)
    found: Any = minimize(cost, np.zeros(len(EVIDENCE_KINDS)), jac=True, method="L-BFGS-B", bounds=bounds)
    return np.exp(found.x).astype(np.float32)


def _sampled(
    evidence: Evidence, labels: LabelMap
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Of some labelled pixels: (kinds, n) votes for the truth, (kinds, n) all votes, (n,) weight by class."""
    known = np.flatnonzero(labels.ravel() != UNKNOWN)
    known = known[:: max(1, len(known) // PIXELS)]
    truth = labels.ravel()[known]
    votes = evidence.votes.reshape(len(EVIDENCE_KINDS), -1, evidence.votes.shape[-1])
    right = votes[:, known, truth].astype(np.float64)
    total = evidence.weights.reshape(len(EVIDENCE_KINDS), -1)[:, known].astype(np.float64)
    count = np.bincount(truth, minlength=1)
    return right, total, 1 / count[truth]


def compute_held_out_iou(trials: Sequence[tuple[Evidence, LabelMap]], attention: NDArray[np.float32]) -> float:
    """Mean overlap of classes on labelled frames foretold from the others; NaN where nothing is known."""
    pairs = [(evidence.summed(attention).shares.argmax(axis=-1), truth) for evidence, truth in trials]
    overlaps: list[float] = []
    for number in range(max((evidence.votes.shape[-1] for evidence, _ in trials), default=0)):
        common = sum(int(((found == number) & (truth == number)).sum()) for found, truth in pairs)
        either = sum(
            int((((found == number) | (truth == number)) & (truth != UNKNOWN)).sum()) for found, truth in pairs
        )
        if sum(int((truth == number).sum()) for _, truth in pairs):
            overlaps.append(common / either)
    return float(np.mean(overlaps)) if overlaps else float("nan")
