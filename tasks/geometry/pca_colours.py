"""Feature vectors as colours: the first three principal components are shown as red, green and blue.

As in Oquab et al., "DINOv2" (2023), figure 1. One palette is fitted on cells of the whole video, so that a thing keeps
its colour over time; the signs of the axes are fixed, and the range follows quantiles, so that outliers do not
reduce the contrast of the rest.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

CHANNELS = 3
QUANTILES = (0.02, 0.98)  # of each component: shown as 0 and 255


@dataclass(frozen=True)
class PcaPalette:
    """Three principal axes, and the range of each that is shown."""

    mean: NDArray[np.float32]
    """(d,)."""
    axes: NDArray[np.float32]
    """(d, 3), largest variance first."""
    low: NDArray[np.float32]
    """(3,) component shown as 0."""
    high: NDArray[np.float32]
    """(3,) component shown as 255."""

    def to_rgb(self, vectors: NDArray[Any]) -> NDArray[np.uint8]:
        """(..., 3) RGB of (..., d) vectors."""
        at = (np.asarray(vectors, np.float32) - self.mean) @ self.axes
        share = (at - self.low) / np.maximum(self.high - self.low, np.finfo(np.float32).tiny)
        return np.rint(255 * np.clip(share, 0, 1)).astype(np.uint8)


def fit_palette(sample: NDArray[Any]) -> PcaPalette:
    """Palette of (n, d) vectors; the largest entry of each axis is positive. No vectors give all black."""
    wide = np.asarray(sample, np.float64)
    n, d = wide.shape
    if n == 0:
        zero = np.zeros(CHANNELS, np.float32)
        return PcaPalette(np.zeros(d, np.float32), np.zeros((d, CHANNELS), np.float32), zero, zero)
    mean = wide.mean(axis=0)
    axes = np.zeros((d, CHANNELS))
    shown = min(d, CHANNELS)
    _, found = np.linalg.eigh((wide - mean).T @ (wide - mean))
    axes[:, :shown] = found[:, ::-1][:, :shown]
    axes *= np.where(axes[np.abs(axes).argmax(axis=0), np.arange(CHANNELS)] < 0, -1, 1)
    low, high = np.quantile((wide - mean) @ axes, QUANTILES, axis=0)
    return PcaPalette(mean.astype(np.float32), axes.astype(np.float32), low.astype(np.float32), high.astype(np.float32))
