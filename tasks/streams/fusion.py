"""Late fusion: the normalised product of both streams' class probabilities, each to the power of its weight.

A logarithmic opinion pool (Genest and Zidek, "Combining probability distributions", Statistical Science 1986; as a
product of experts, Hinton 2002): the posterior of all evidence where the streams' evidence is independent given the
label. Simonyan and Zisserman (2014), section 5, average the streams' softmax scores instead; of labels that neither
stream can tell apart alone, such as slow in red, the average knows nothing that one stream does not know, while the
product knows both. A weight below 1 is a temperature above 1 (Guo et al., "On calibration of modern neural networks",
ICML 2017): an overconfident stream counts less.
`fit_fusion_weights` needs probabilities of videos that neither stream was trained on, because on training videos any
stream is overconfident.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tasks.arrays import Probabilities
from tasks.streams.linear_head import softmax

EQUAL_WEIGHTS = (0.5, 0.5)
MAX_WEIGHT = 5.0
PRIOR_ROWS = 1.0
"""Strength of the prior that a stream is calibrated (weight 1), in labelled rows; it decides where rows are few."""
MIN_PROBABILITY = 1e-6
"""A stream never excludes a label: what is certainly wrong in its training set may be right elsewhere."""


def fuse_probabilities(rgb: Probabilities, flow: Probabilities, weights: Sequence[float]) -> Probabilities:
    """(n, labels) normalised weighted product of the (n, labels) probabilities of both streams.

    A row of NaN is a stream without a prediction (no input, or no stream): the other one counts alone, also with weight
    0, and as it is. NaN stays where neither has a prediction.
    """
    fused = _pool(rgb, flow, weights)
    for one, other in ((rgb, flow), (flow, rgb)):
        alone = np.isfinite(one).all(axis=1) & ~np.isfinite(other).all(axis=1)
        fused[alone] = one[alone]
    return fused


def fit_fusion_weights(rgb: Probabilities, flow: Probabilities, labels: NDArray[np.int_]) -> tuple[float, float]:
    """The two weights, at least 0, of greatest posterior probability given the (n,) `labels`; prior around (1, 1).

    The negative log likelihood is convex in the weights (they are the parameters of a multinomial logistic regression).
    """
    from scipy.optimize import minimize

    logs = np.log(np.maximum(np.stack([rgb, flow]).astype(np.float64), MIN_PROBABILITY))
    row = np.arange(len(labels))

    def loss(weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        scores = np.einsum("s,snl->nl", weights, logs)
        scores -= scores.max(axis=1, keepdims=True)
        total = np.exp(scores).sum(axis=1)
        found = np.exp(scores) / total[:, None]
        surprise = -(scores[row, labels] - np.log(total)).sum()
        slope = np.einsum("nl,snl->s", found, logs) - logs[:, row, labels].sum(axis=1)
        apart = weights - 1
        return float(surprise + PRIOR_ROWS / 2 * apart @ apart), slope + PRIOR_ROWS * apart

    best = minimize(loss, np.ones(2), jac=True, method="L-BFGS-B", bounds=[(0, MAX_WEIGHT)] * 2).x
    return float(best[0]), float(best[1])


def _pool(rgb: Probabilities, flow: Probabilities, weights: Sequence[float]) -> Probabilities:
    logs = np.log(np.maximum(np.stack([rgb, flow]), MIN_PROBABILITY))
    return softmax(np.einsum("s,snl->nl", np.asarray(weights, np.float64), logs))
