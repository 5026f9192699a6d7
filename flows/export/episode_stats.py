"""Minimum, maximum, mean and standard deviation of a feature, piece by piece."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tasks.arrays import Floats, Image

WHITE = 255


@dataclass
class FeatureStats:
    """The sums of all rows so far."""

    count: int = 0
    """Rows; of images pixels."""
    total: Floats = field(default_factory=lambda: np.zeros(1))
    squares: Floats = field(default_factory=lambda: np.zeros(1))
    low: Floats = field(default_factory=lambda: np.full(1, np.inf))
    high: Floats = field(default_factory=lambda: np.full(1, -np.inf))

    def add(self, rows: Floats) -> None:
        """Count (n, d) rows."""
        self.count += len(rows)
        self.total = self.total + rows.sum(axis=0)
        self.squares = self.squares + (rows**2).sum(axis=0)
        self.low = np.minimum(self.low, rows.min(axis=0))
        self.high = np.maximum(self.high, rows.max(axis=0))

    def add_image(self, image: Image) -> None:
        """Count the pixels of an (h, w, 3) image, in shares of white; by histograms, which are exact and fast."""
        levels = np.arange(WHITE + 1) / WHITE
        counts = np.stack(
            [np.bincount(image[..., band].ravel(), minlength=WHITE + 1) for band in range(image.shape[2])]
        )
        self.count += image.shape[0] * image.shape[1]
        self.total = self.total + counts @ levels
        self.squares = self.squares + counts @ levels**2
        self.low = np.minimum(self.low, image.min(axis=(0, 1)) / WHITE)
        self.high = np.maximum(self.high, image.max(axis=(0, 1)) / WHITE)

    def to_json(self, *inner: int) -> dict[str, Any]:
        """LeRobot's statistics: a number per member of the feature, in lists of `inner` shape each."""
        mean = self.total / max(self.count, 1)
        deviation = np.sqrt(np.maximum(self.squares / max(self.count, 1) - mean**2, 0))
        found = {"min": self.low, "max": self.high, "mean": mean, "std": deviation}
        return {**{name: values.reshape(-1, *inner).tolist() for name, values in found.items()}, "count": [self.count]}
