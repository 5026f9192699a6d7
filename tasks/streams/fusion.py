"""Late fusion: each stream has its own opinion, and a weighted mean of their probabilities decides.

Simonyan and Zisserman (2014), section 5, average the streams' softmax scores; Wang et al. (2016) give motion more
weight. `learned_weights` takes the two weights under which what really happened is most likely; it must see
probabilities of videos that neither stream was trained on, for on its own training videos any stream looks sure.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tasks.arrays import Probabilities

EQUAL_WEIGHTS = (0.5, 0.5)
WEIGHT_STEPS = 100  # weights are looked for in hundredths


def fuse_probabilities(rgb: Probabilities, flow: Probabilities, weights: Sequence[float]) -> Probabilities:
    """(n, labels) weighted mean of the (n, labels) probabilities of both streams.

    A row of NaN is a stream without an opinion (nothing to see, no stream): the other one decides, and NaN stays where
    both are silent. The same holds for a stream of weight 0 and one without an opinion.
    """
    opinions = np.asarray(np.isfinite(np.stack([rgb, flow])).all(axis=2))
    weighed = opinions * np.asarray(weights, np.float64)[:, None]
    only = opinions.sum(axis=0) == 1
    weighed[:, only] = opinions[:, only]
    total = weighed.sum(axis=0)
    both = np.where(opinions[..., None], np.stack([rgb, flow]), 0) * weighed[..., None]
    return np.where(total[:, None] > 0, both.sum(axis=0) / np.where(total > 0, total, 1)[:, None], np.nan)


def fit_fusion_weights(rgb: Probabilities, flow: Probabilities, labels: NDArray[np.int_]) -> tuple[float, float]:
    """The two weights, sum 1, of least negative log likelihood of the (n,) `labels`; of equals, the most even one."""
    row = np.arange(len(labels))
    seen, moved = rgb[row, labels].astype(np.float64), flow[row, labels].astype(np.float64)
    shares = np.linspace(0, 1, WEIGHT_STEPS + 1)
    likely = np.log(np.maximum(np.outer(1 - shares, seen) + np.outer(shares, moved), 1e-12)).sum(axis=1)
    best = np.flatnonzero(likely >= likely.max() - 1e-9)
    share = float(shares[best[np.abs(best - WEIGHT_STEPS // 2).argmin()]])
    return 1 - share, share
