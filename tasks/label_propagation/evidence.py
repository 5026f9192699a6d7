"""Evidence for the class of each pixel: weighted votes of several kinds of hypotheses.

A pixel's point has several hypotheses about where its label is known (the tokens of Tian et al., "Semantic Flow",
2024): cells of similar features in other frames, a classifier of its features, its position in the previous frame, and
its position in labelled frames by chained flow, by long-range flow, or through the plane volume across occlusions.
Each hypothesis votes with the class probabilities found there. Its weight is the confidence of its flow times the
feature similarity of both ends.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.arrays import ClassProbabilities

EVIDENCE_KINDS = ("semantic", "named", "previous", "chained", "direct", "volume")
"""As stored metrics name them; "named" is the evidence of the kernel classifier."""
MIN_EVIDENCE = 1e-6  # total weight below this counts as no evidence


@dataclass(frozen=True, eq=False)
class Evidence:
    """Votes and weights by kind."""

    votes: NDArray[np.float32]
    """(kinds, h, w, c) class probabilities times their weights."""
    weights: NDArray[np.float32]
    """(kinds, h, w)."""

    @classmethod
    def empty(cls, height: int, width: int, classes: int) -> Evidence:
        """No votes."""
        shape = len(EVIDENCE_KINDS), height, width
        return cls(np.zeros((*shape, classes), np.float32), np.zeros(shape, np.float32))

    def add_votes(self, kind: str, probabilities: ClassProbabilities, weight: NDArray[np.float32]) -> None:
        """Add one hypothesis: (h, w, c) class probabilities, which may sum to less than 1, and its (h, w) weight."""
        number = EVIDENCE_KINDS.index(kind)
        self.votes[number] += probabilities * weight[..., None]
        self.weights[number] += weight * probabilities.sum(axis=-1)

    def __add__(self, other: Evidence) -> Evidence:
        return Evidence(self.votes + other.votes, self.weights + other.weights)

    def combine_kinds(self, kind_weights: NDArray[np.float32]) -> Votes:
        """Weighted sum over all kinds, by (kinds,) weights."""
        votes, total = np.tensordot(kind_weights, self.votes, axes=1), np.tensordot(kind_weights, self.weights, axes=1)
        return Votes(votes.astype(np.float32), total.astype(np.float32))


@dataclass(frozen=True, eq=False)
class Votes:
    """Evidence summed over all kinds."""

    votes: NDArray[np.float32]
    """(h, w, c)."""
    total: NDArray[np.float32]
    """(h, w) sum of the weights."""

    @property
    def probabilities(self) -> ClassProbabilities:
        """(h, w, c) of the classes; uniform where there is no evidence."""
        even = MIN_EVIDENCE / self.votes.shape[-1]
        return ((self.votes + even) / (self.total[..., None] + MIN_EVIDENCE)).astype(np.float32)

    @property
    def strength(self) -> NDArray[np.float32]:
        """(h, w) amount of evidence, 0..1: 1/2 for one hypothesis of full confidence."""
        return self.total / (1 + self.total)


class VoteStore:
    """(frames, h, w, c) votes and their totals of one window of frames, accumulated in half precision."""

    def __init__(self, frames: int, height: int, width: int, classes: int) -> None:
        self._votes = np.zeros((frames, height, width, classes), np.float16)
        self._total = np.zeros((frames, height, width), np.float16)
        self._has_votes = np.zeros(frames, np.bool_)

    def add_votes(self, frame: int, more: Votes) -> None:
        """Add votes to those of `frame`."""
        self._votes[frame] += more.votes.astype(np.float16)
        self._total[frame] += more.total.astype(np.float16)
        self._has_votes[frame] = True

    def __getitem__(self, frame: int) -> Votes | None:
        """The votes of `frame`; None where none were added."""
        if not self._has_votes[frame]:
            return None
        return Votes(self._votes[frame].astype(np.float32), self._total[frame].astype(np.float32))

    def __len__(self) -> int:
        return len(self._has_votes)
