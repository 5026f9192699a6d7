"""Late fusion: weighted mean of the class probabilities of both streams.

Simonyan and Zisserman (2014), section 5, average the streams' softmax scores; Wang et al. (2016) give motion more
weight. `learned_weights` maximises the likelihood of the true labels over the two weights; it needs
probabilities of videos that neither stream was trained on, because on training videos any stream is overconfident.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tasks.arrays import Probabilities

EQUAL_WEIGHTS = (0.5, 0.5)
WEIGHT_STEPS = 100  # weights are searched in hundredths


def fuse_probabilities(rgb: Probabilities, flow: Probabilities, weights: Sequence[float]) -> Probabilities:
    """(n, labels) weighted mean of the (n, labels) probabilities of both streams.

    A row of NaN is a stream without a prediction (no input, or no stream): the other one counts alone, also with weight
    0. NaN stays where neither has a prediction.
    """
    predicted = np.asarray(np.isfinite(np.stack([rgb, flow])).all(axis=2))
    weighed = predicted * np.asarray(weights, np.float64)[:, None]
    only = predicted.sum(axis=0) == 1
    weighed[:, only] = predicted[:, only]
    total = weighed.sum(axis=0)
    both = np.where(predicted[..., None], np.stack([rgb, flow]), 0) * weighed[..., None]
    return np.where(total[:, None] > 0, both.sum(axis=0) / np.where(total > 0, total, 1)[:, None], np.nan)


def fit_fusion_weights(rgb: Probabilities, flow: Probabilities, labels: NDArray[np.int_]) -> tuple[float, float]:
    """The two weights, sum 1, of least negative log likelihood of the (n,) `labels`; of equals, the most even."""
    row = np.arange(len(labels))
    appearance, motion = rgb[row, labels].astype(np.float64), flow[row, labels].astype(np.float64)
    shares = np.linspace(0, 1, WEIGHT_STEPS + 1)
    likely = np.log(np.maximum(np.outer(1 - shares, appearance) + np.outer(shares, motion), 1e-12)).sum(axis=1)
    best = np.flatnonzero(likely >= likely.max() - 1e-9)
    share = float(shares[best[np.abs(best - WEIGHT_STEPS // 2).argmin()]])
    return 1 - share, share
