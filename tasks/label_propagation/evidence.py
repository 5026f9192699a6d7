"""What speaks for which class at each pixel: votes of several kinds, each with its weight.

A point has several hypotheses about where it is known from (the field's tokens): cells elsewhere that mean the same,
what its looks alone say, the point in the frame before, and the point in labelled frames: along the chain of flows, by
a flow that skips, or through the volume, behind what hid it. Each votes with the label shares it finds there; its
weight is what its flow returns (cycle) times how alike features are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.arrays import ClassProbabilities

EVIDENCE_KINDS = ("semantic", "named", "previous", "chained", "direct", "volume")
MIN_EVIDENCE = 1e-6  # evidence below this is none


@dataclass(frozen=True, eq=False)
class Evidence:
    """Votes and weights by kind."""

    votes: NDArray[np.float32]
    """(kinds, h, w, c) label shares, times their weights."""
    weights: NDArray[np.float32]
    """(kinds, h, w)."""

    @classmethod
    def none(cls, height: int, width: int, classes: int) -> Evidence:
        """No votes."""
        shape = len(EVIDENCE_KINDS), height, width
        return cls(np.zeros((*shape, classes), np.float32), np.zeros(shape, np.float32))

    def add(self, kind: str, shares: ClassProbabilities, weight: NDArray[np.float32]) -> None:
        """Votes of one hypothesis: (h, w, c) shares, of which each pixel's sum is what is known there."""
        number = EVIDENCE_KINDS.index(kind)
        self.votes[number] += shares * weight[..., None]
        self.weights[number] += weight * shares.sum(axis=-1)

    def __add__(self, other: Evidence) -> Evidence:
        return Evidence(self.votes + other.votes, self.weights + other.weights)

    def summed(self, attention: NDArray[np.float32]) -> Votes:
        """All kinds together, weighed by (kinds,) `attention`."""
        votes, total = np.tensordot(attention, self.votes, axes=1), np.tensordot(attention, self.weights, axes=1)
        return Votes(votes.astype(np.float32), total.astype(np.float32))


@dataclass(frozen=True, eq=False)
class Votes:
    """Evidence of all kinds together."""

    votes: NDArray[np.float32]
    """(h, w, c)."""
    total: NDArray[np.float32]
    """(h, w) sum of the weights."""

    @property
    def shares(self) -> ClassProbabilities:
        """(h, w, c) of the classes; even where there is no evidence."""
        even = MIN_EVIDENCE / self.votes.shape[-1]
        return ((self.votes + even) / (self.total[..., None] + MIN_EVIDENCE)).astype(np.float32)

    @property
    def strength(self) -> NDArray[np.float32]:
        """(h, w) how much evidence there is, 0..1: 1/2 for as much as one trusted hypothesis."""
        return self.total / (1 + self.total)
