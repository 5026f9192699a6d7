"""Semantic evidence: what the cells that look alike in other frames are, as label propagation hears them.

Each cell takes the mean label of the cells most like it in the labelled frames nearest in time and the frames seen
last (tasks/geometry/feature_propagation.py). The labels of frames seen last are the evidence as it was on the grid,
not the finished maps: fed back, those blur from frame to frame.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.arrays import ClassProbabilities, Vectors
from tasks.geometry.evenly_spaced import pick_evenly
from tasks.geometry.feature_propagation import average_top_k_labels, find_top_k_similar
from tasks.label_propagation.kernel_classifier import KernelClassifier, fit_kernel_classifier
from tasks.label_propagation.propagation_config import PropagationConfig

NAMED_FRAMES = 12  # labelled frames that the regression learns from, spread over the clip
LEAST_SPREAD = 1e-3  # of frames without any texture, whose cells are all the same


@dataclass(frozen=True)
class MemoryFrame:
    """A frame that serves as context."""

    frame: int
    vectors: Vectors
    labels: ClassProbabilities
    """(rows, columns, c) shares; where they sum to less than 1 something is unknown."""


@dataclass
class MemoryBank:
    """The frames that are heard, those seen last among them."""

    labelled: Mapping[int, Callable[[], MemoryFrame]]
    """Of each labelled frame, how to get it."""
    how: PropagationConfig
    spread: float
    """1 less the mean cosine of any two cells of the labelled frames."""
    _last: deque[MemoryFrame] = field(default_factory=deque[MemoryFrame])

    _namer: KernelClassifier | None = None

    @property
    def temperature(self) -> float:
        """Of the softmax of cosines."""
        return self.how.temperature * self.spread

    def remember(self, seen: MemoryFrame) -> None:
        """Take a frame among those seen last."""
        self._last.append(seen)
        while len(self._last) > (1 if self.how.single else self.how.memory):
            self._last.popleft()

    def heard(self, frame: int, vectors: Vectors) -> tuple[ClassProbabilities, NDArray[np.float32]]:
        """(rows, columns, c) label shares that the (rows, columns, d) `vectors` hear, and the best cosines."""
        past = self._past(frame)
        alike = find_top_k_similar(vectors, np.stack([seen.vectors for seen in past]), self.how.radius, self._count)
        labels = average_top_k_labels(alike, np.stack([seen.labels for seen in past]), self.temperature)
        return labels, alike.cosine.max(axis=-1)

    @property
    def _count(self) -> int:
        return 1 if self.how.single else self.how.count

    def named(self, frame: int, vectors: Vectors) -> ClassProbabilities:
        """(rows, columns, c) label shares that looks and place alone foretell (named.py)."""
        frames = sorted(self.labelled)
        first, length = frames[0], max(1, frames[-1] - frames[0])
        if self._namer is None:
            chosen = pick_evenly(len(frames), NAMED_FRAMES)
            seen = [self.labelled[frames[n]]() for n in chosen]
            times = [(known.frame - first) / length for known in seen]
            self._namer = fit_kernel_classifier([s.vectors for s in seen], times, [s.labels for s in seen], self.spread)
        return self._namer.shares(vectors, (frame - first) / length)

    def _past(self, frame: int) -> Sequence[MemoryFrame]:
        begun = self._labelled(frame)
        past = begun + [seen for seen in self._last if seen.frame not in {known.frame for known in begun}]
        return [min(past, key=lambda seen: abs(seen.frame - frame))] if self.how.single else past

    def _labelled(self, frame: int) -> list[MemoryFrame]:
        """The labelled frames nearest in time to `frame`, without itself, in order."""
        others = sorted((other for other in self.labelled if other != frame), key=lambda other: abs(other - frame))
        return [self.labelled[number]() for number in sorted(others[: self.how.labelled])]


def compute_cosine_spread(vectors: NDArray[Any]) -> float:
    """1 less the mean cosine of any two of the (..., d) unit vectors: how much cosines differ at all."""
    mean = np.asarray(vectors, np.float32).reshape(-1, vectors.shape[-1]).mean(axis=0, dtype=np.float64)
    return max(float(1 - mean @ mean), LEAST_SPREAD)


def predict_nearest_labels(
    vectors: Vectors, known: Vectors, labels: NDArray[np.float32], count: int, temperature: float
) -> NDArray[np.float32]:
    """(n, c) labels of the `count` of (m, d) `known` vectors most like each of (n, d), by a softmax of the cosines."""
    cosine = vectors @ known.T
    count = min(count, len(known))
    best = np.argpartition(cosine, -count, axis=1)[:, -count:]
    close = np.take_along_axis(cosine, best, axis=1)
    weight = np.exp((close - close.max(axis=1, keepdims=True)) / np.float32(temperature))
    return ((weight / weight.sum(axis=1, keepdims=True))[..., None] * labels[best]).sum(axis=1)
