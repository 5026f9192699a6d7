"""Linear heads on frozen features: multinomial logistic regression, exact and fast on a CPU.

The loss is the mean cross entropy plus a ridge on the weights of standardised features (Bishop, 2006, section 4.3.4),
with equal weight for every label, however frequent. It is convex: one optimum, whatever the order of the rows. Written
by hand rather than with scikit-learn so that results are the same to the bit on every machine."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.artifacts.action_model import FeatureSource, LinearHead

MIN_STANDARD_DEVIATION = 1e-6  # features with less do not vary: they are not scaled
MAX_ITERATIONS = 500


def predict_probabilities(head: LinearHead, features: NDArray[np.float32]) -> NDArray[np.float32]:
    """(n, labels) of (n, d) features; einsum sums a row independently of the others, BLAS does not."""
    return softmax(np.einsum("nd,dl->nl", features, head.weights) + head.bias)


def predict_consensus(head: LinearHead, features: NDArray[np.float32]) -> NDArray[np.float32]:
    """(labels,) probabilities of a segment from the (n, d) features of its clips or stacks, by their mean scores.

    The segmental consensus of Wang et al., "Temporal Segment Networks" (ECCV 2016), section 3.1.
    """
    scores = np.einsum("nd,dl->nl", features, head.weights).mean(axis=0, dtype=np.float64) + head.bias
    return softmax(scores[None])[0].astype(np.float32)


def softmax(scores: NDArray[Any]) -> NDArray[Any]:
    """(n, labels) probabilities of (n, labels) scores."""
    exponentials = np.exp(scores - scores.max(axis=1, keepdims=True))
    return exponentials / exponentials.sum(axis=1, keepdims=True)


def fit_linear_head(
    features: NDArray[np.float32], labels: NDArray[np.int_], count: int, ridge: float, feature_source: FeatureSource
) -> LinearHead:
    """The head of `count` labels that fits (n, d) features to their (n,) labels; `ridge` weighs the penalty."""
    from scipy.optimize import minimize

    mean, spread = features.mean(axis=0, dtype=np.float64), features.std(axis=0, dtype=np.float64)
    spread = np.where(spread > MIN_STANDARD_DEVIATION, spread, 1.0)
    x = (features - mean) / spread
    truth = np.eye(count)[labels]
    each = (1 / np.maximum(truth.sum(axis=0), 1))[labels]
    each /= each.sum()

    def loss(flat: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        weights, bias = flat[:-count].reshape(-1, count), flat[-count:]
        found = softmax(x @ weights + bias)
        right = np.log(np.maximum(found[np.arange(len(labels)), labels], 1e-300))
        wrong = (found - truth) * each[:, None]
        slope = np.concatenate([(x.T @ wrong + ridge * weights).reshape(-1), wrong.sum(axis=0)])
        return float(-(each * right).sum() + ridge / 2 * (weights**2).sum()), slope

    start = np.zeros((x.shape[1] + 1) * count)
    best = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": MAX_ITERATIONS}).x
    weights = best[:-count].reshape(-1, count) / spread[:, None]
    bias = best[-count:] - mean @ weights
    return LinearHead(feature_source, weights.astype(np.float32), bias.astype(np.float32))
