"""Kernel classifier of feature cells: class probabilities from features, position and time, fitted to labelled frames.

Kernel ridge regression with random Fourier features (Rahimi and Recht, "Random Features for Large-Scale Kernel
Machines", NIPS 2007), solved in closed form, so that the same labels give the same result on every machine. On its own
it is the per-point network of a semantic field, the baseline to beat. As one kind of evidence it recognises objects
that moved too far for matching.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.arrays import Floats32
from tasks.geometry.evenly_spaced import pick_evenly

FOURIER_FEATURES = 512  # twice as many change the mIoU of synthetic scenes by less than .002
MAX_TRAINING_CELLS = 8192  # evenly spread over the labelled frames: the fit takes time in proportion to them
RIDGE = 1e-5  # times the number of cells
POSITION_FREQUENCY = 1.0  # cycles across the frame: position counts less than features; time counts half of that
KERNEL_WIDTH = 1.0  # in units of the square root of the features' cosine spread


@dataclass(frozen=True, eq=False)
class KernelClassifier:
    """A fitted regression."""

    directions: Floats32
    """(d + 3, features) random frequencies."""
    phases: Floats32
    weights: Floats32
    """(features + 1, c)."""

    def predict(self, vectors: NDArray[np.float32], time: float) -> NDArray[np.float32]:
        """(rows, columns, c) class probabilities of the (rows, columns, d) features of a frame at `time`, 0..1."""
        waves = _map_to_fourier(stack_inputs(vectors, time), self.directions, self.phases)
        found = np.clip(waves @ self.weights[:-1] + self.weights[-1], 0, 1)
        found /= np.maximum(found.sum(axis=1, keepdims=True), np.finfo(np.float32).tiny)
        return found.reshape(*vectors.shape[:2], -1)


def fit_kernel_classifier(
    vectors: Sequence[NDArray[np.float32]],
    times: Sequence[float],
    labels: Sequence[NDArray[np.float32]],
    cosine_spread: float,
) -> KernelClassifier:
    """Fit to labelled frames: (rows, columns, d) features, times, (rows, columns, c) class probabilities.

    `cosine_spread` is 1 less the mean cosine of any two cells (memory_bank.py); it sets the kernel width.
    """
    x = np.concatenate([stack_inputs(frame, time) for frame, time in zip(vectors, times, strict=True)])
    y = np.concatenate([frame.reshape(-1, frame.shape[-1]) for frame in labels])
    some = pick_evenly(len(x), MAX_TRAINING_CELLS)
    x, y = x[some], y[some]
    rng = np.random.default_rng(0)
    directions = rng.normal(size=(x.shape[1], FOURIER_FEATURES))
    directions[:-3] /= KERNEL_WIDTH * np.sqrt(cosine_spread)
    directions[-3:] *= np.array([POSITION_FREQUENCY, POSITION_FREQUENCY, POSITION_FREQUENCY / 2])[:, None]
    directions = directions.astype(np.float32)
    phases = rng.uniform(0, 2 * np.pi, FOURIER_FEATURES).astype(np.float32)
    # In double precision: the small ridge lets rounding errors of the sums grow by its inverse.
    mapped = np.column_stack([_map_to_fourier(x, directions, phases), np.ones(len(x))]).astype(np.float64)
    known = y.sum(axis=1, keepdims=True)  # the unknown part of a cell has no weight
    gram = (mapped * known).T @ mapped + RIDGE * len(x) * np.eye(FOURIER_FEATURES + 1)
    weights = np.linalg.solve(gram, mapped.T @ y)
    return KernelClassifier(directions, phases, weights.astype(np.float32))


def stack_inputs(vectors: NDArray[np.float32], time: float) -> Floats32:
    """(cells, d + 3) features, then x and y in units of the grid's width, then time."""
    rows, columns, d = vectors.shape
    y, x = np.mgrid[:rows, :columns].reshape(2, -1).astype(np.float32) / np.float32(columns)
    return np.column_stack([vectors.reshape(-1, d), x, y, np.full(rows * columns, time, np.float32)])


def _map_to_fourier(inputs: Floats32, directions: Floats32, phases: Floats32) -> Floats32:
    angles = inputs @ directions
    angles += phases
    waves = np.cos(angles, out=angles)
    waves *= np.float32(np.sqrt(2 / FOURIER_FEATURES))
    return waves
