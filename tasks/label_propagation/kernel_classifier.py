"""The semantic network: what a point is by its looks and its place alone, learned from the labelled frames.

A kernel ridge regression from features, place and time to label shares, by random Fourier features (Rahimi and Recht,
"Random Features for Large-Scale Kernel Machines", NIPS 2007): solved in closed form, so that the same labels give the
same field on every machine. Alone it is the per-point network that a field must beat; as one hypothesis among several
it knows what moved too far to be matched.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.arrays import Points

WAVES = 512  # random features: twice as many change the mIoU of synthetic scenes by less than .002
RIDGE = 1e-5  # times the number of cells
PLACE = 1.0  # waves across the frame: place says less than looks; time counts half of that
WIDTH = 1.0  # kernel width, in units of the root of the features' spread


@dataclass(frozen=True, eq=False)
class KernelClassifier:
    """A fitted regression."""

    directions: NDArray[np.float64]
    """(d + 3, waves)."""
    phases: NDArray[np.float64]
    weights: NDArray[np.float64]
    """(waves + 1, c)."""

    def shares(self, vectors: NDArray[np.float32], time: float) -> NDArray[np.float32]:
        """(rows, columns, c) label shares of the (rows, columns, d) vectors of a frame at `time`, 0..1 of the clip."""
        found = _lifted(points(vectors, time) @ self.directions + self.phases) @ self.weights
        found = np.clip(found, 0, 1)
        found /= np.maximum(found.sum(axis=1, keepdims=True), np.finfo(np.float64).tiny)
        return found.reshape(*vectors.shape[:2], -1).astype(np.float32)


def fit_kernel_classifier(
    vectors: Sequence[NDArray[np.float32]], times: Sequence[float], labels: Sequence[NDArray[np.float32]], spread: float
) -> KernelClassifier:
    """The regression of labelled frames: (rows, columns, d) vectors, times, (rows, columns, c) label shares.

    `spread` is 1 less the mean cosine of any two cells (context.py), which sets the kernel's width.
    """
    x = np.concatenate([points(seen, time) for seen, time in zip(vectors, times, strict=True)])
    y = np.concatenate([shares.reshape(-1, shares.shape[-1]) for shares in labels]).astype(np.float64)
    rng = np.random.default_rng(0)
    directions = rng.normal(size=(x.shape[1], WAVES))
    directions[:-3] /= WIDTH * np.sqrt(spread)
    directions[-3:] *= np.array([PLACE, PLACE, PLACE / 2])[:, None]
    phases = rng.uniform(0, 2 * np.pi, WAVES)
    lifted = _lifted(x @ directions + phases)
    known = y.sum(axis=1)  # what is unknown of a cell has no say
    gram = (lifted * known[:, None]).T @ lifted + RIDGE * len(x) * np.eye(WAVES + 1)
    return KernelClassifier(directions, phases, np.linalg.solve(gram, lifted.T @ y))


def points(vectors: NDArray[np.float32], time: float) -> Points:
    """(cells, d + 3) features, then x and y in units of the grid's width, then time."""
    rows, columns, d = vectors.shape
    y, x = np.mgrid[:rows, :columns].reshape(2, -1) / columns
    return np.column_stack([vectors.reshape(-1, d).astype(np.float64), x, y, np.full(rows * columns, time)])


def _lifted(angles: Points) -> Points:
    waves = np.cos(angles) * np.sqrt(2 / WAVES)
    return np.column_stack([waves, np.ones(len(waves))])
