"""Vectors as colours: the three directions in which a video's cells differ most are red, green and blue.

Principal components as pictures, as Oquab et al., "DINOv2" (2023), figure 1, show what a network tells apart. One
palette is fitted on cells of all of a video, so that a thing keeps its colour over time; the axes' signs are fixed, and
the scale follows quantiles, so that a few odd cells do not grey out the rest.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

CHANNELS = 3
QUANTILES = (0.02, 0.98)  # of each component: black and full


@dataclass(frozen=True)
class PcaPalette:
    """Three axes, and which range of each is shown."""

    mean: NDArray[np.float32]
    """(d,)."""
    axes: NDArray[np.float32]
    """(d, 3), the widest spread first."""
    low: NDArray[np.float32]
    """(3,) component that is black."""
    high: NDArray[np.float32]
    """(3,) component that is full."""

    def paint(self, vectors: NDArray[Any]) -> NDArray[np.uint8]:
        """(..., 3) RGB of (..., d) vectors."""
        at = (np.asarray(vectors, np.float32) - self.mean) @ self.axes
        share = (at - self.low) / np.maximum(self.high - self.low, np.finfo(np.float32).tiny)
        return np.rint(255 * np.clip(share, 0, 1)).astype(np.uint8)


def fit_palette(sample: NDArray[Any]) -> PcaPalette:
    """The palette of (n, d) vectors; each axis points to where its largest entry is positive. Nothing in: all black."""
    wide = np.asarray(sample, np.float64)
    n, d = wide.shape
    if n == 0:
        nothing = np.zeros(CHANNELS, np.float32)
        return PcaPalette(np.zeros(d, np.float32), np.zeros((d, CHANNELS), np.float32), nothing, nothing)
    mean = wide.mean(axis=0)
    axes = np.zeros((d, CHANNELS))
    shown = min(d, CHANNELS)
    _, found = np.linalg.eigh((wide - mean).T @ (wide - mean))
    axes[:, :shown] = found[:, ::-1][:, :shown]
    axes *= np.where(axes[np.abs(axes).argmax(axis=0), np.arange(CHANNELS)] < 0, -1, 1)
    low, high = np.quantile((wide - mean) @ axes, QUANTILES, axis=0)
    return PcaPalette(mean.astype(np.float32), axes.astype(np.float32), low.astype(np.float32), high.astype(np.float32))
