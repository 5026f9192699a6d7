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
from tasks.sequence.label_map import weigh_classes

EVIDENCE_KINDS = ("semantic", "named", "previous", "chained", "direct", "volume")
"""As stored metrics name them; "named" is the evidence of the kernel classifier."""
MIN_EVIDENCE = 1e-6  # total weight below this counts as no evidence


@dataclass(frozen=True, eq=False)
class Evidence:
    """Votes for the classes of each pixel: by kind of hypothesis, or already merged with weights of the kinds."""

    votes: NDArray[np.float32]
    """(kinds, h, w, c) class probabilities times their weights; (1, h, w, c) merged."""
    merged_with: NDArray[np.float32] | None = None
    """(kinds,) weights with which the kinds were merged."""

    @classmethod
    def empty(cls, height: int, width: int, classes: int) -> Evidence:
        """No votes, kept by kind: what weights are fitted to."""
        return cls(np.zeros((len(EVIDENCE_KINDS), height, width, classes), np.float32))

    @classmethod
    def empty_merged(cls, height: int, width: int, classes: int, kind_weights: NDArray[np.float32]) -> Evidence:
        """No votes, merged by (kinds,) weights as they are added: a sixth of the memory."""
        return cls(np.zeros((1, height, width, classes), np.float32), kind_weights)

    @property
    def weights(self) -> NDArray[np.float32]:
        """(kinds, h, w) total weight of each kind's votes."""
        return _sum_classes(self.votes)

    def add_votes(self, kind: str, probabilities: ClassProbabilities, weight: NDArray[np.float32] | float) -> None:
        """Add one hypothesis: (h, w, c) class probabilities, which may sum to less than 1, and its (h, w) weight."""
        number = EVIDENCE_KINDS.index(kind)
        if self.merged_with is not None:
            number, weight = 0, weight * self.merged_with[number]
        votes = self.votes[number]
        if isinstance(weight, np.ndarray):
            votes += weigh_classes(probabilities, weight.astype(np.float32, copy=False))
        else:
            votes += probabilities * np.float32(weight)

    def __add__(self, other: Evidence) -> Evidence:
        return Evidence(self.votes + other.votes, self.merged_with)

    def combine_kinds(self, kind_weights: NDArray[np.float32]) -> Votes:
        """Weighted sum over all kinds, by (kinds,) weights; merged evidence has its own."""
        if self.merged_with is not None:
            return Votes(self.votes[0])
        return Votes(np.tensordot(kind_weights, self.votes, axes=1).astype(np.float32))


@dataclass(frozen=True, eq=False)
class Votes:
    """Evidence summed over all kinds."""

    votes: NDArray[np.float32]
    """(h, w, c)."""

    @property
    def total(self) -> NDArray[np.float32]:
        """(h, w) sum of the weights."""
        return _sum_classes(self.votes)

    @property
    def probabilities(self) -> ClassProbabilities:
        """(h, w, c) of the classes; uniform where there is no evidence."""
        even = np.float32(MIN_EVIDENCE / self.votes.shape[-1])
        return weigh_classes(self.votes + even, np.reciprocal(self.total + np.float32(MIN_EVIDENCE)))

    @property
    def strength(self) -> NDArray[np.float32]:
        """(h, w) amount of evidence, 0..1: 1/2 for one hypothesis of full confidence."""
        total = self.total
        return total / (1 + total)


def _sum_classes(votes: NDArray[np.float32]) -> NDArray[np.float32]:
    """(..., h, w) sum over the classes of (..., h, w, c); a product with ones, since few classes are summed slowly."""
    return votes @ np.ones(votes.shape[-1], np.float32)


class VoteStore:
    """Votes of the frames of one window, accumulated over passes."""

    def __init__(self) -> None:
        self._votes: dict[int, Votes] = {}

    def add_votes(self, frame: int, more: Votes) -> None:
        """Add votes to those of `frame`."""
        known = self._votes.get(frame)
        self._votes[frame] = more if known is None else Votes(known.votes + more.votes)

    def take_votes(self, frame: int) -> Votes | None:
        """The votes of `frame`, which are then dropped from memory; None where there are none."""
        return self._votes.pop(frame, None)
