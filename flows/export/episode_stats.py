"""Minimum, maximum, mean and standard deviation of a feature, piece by piece."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tasks.arrays import Floats


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

    def to_json(self, *inner: int) -> dict[str, Any]:
        """LeRobot's statistics: a number per member of the feature, in lists of `inner` shape each."""
        mean = self.total / max(self.count, 1)
        deviation = np.sqrt(np.maximum(self.squares / max(self.count, 1) - mean**2, 0))
        found = {"min": self.low, "max": self.high, "mean": mean, "std": deviation}
        return {**{name: values.reshape(-1, *inner).tolist() for name, values in found.items()}, "count": [self.count]}
