"""Semantic evidence: labels of the most similar feature cells in a memory bank of other frames.

Label propagation after Jabri et al. (NeurIPS 2020), see tasks/geometry/feature_propagation.py: each cell takes
the mean label of its nearest neighbours in feature space, weighted by a softmax of cosines, in the labelled frames
nearest in time and in the latest frames. The labels of the latest frames are the evidence on the cell grid, not the
finished maps: those would blur from frame to frame when fed back.
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

CLASSIFIER_FRAMES = 12  # labelled frames that the kernel classifier is fitted to, evenly spread
MIN_COSINE_SPREAD = 1e-3  # of frames without any texture, whose cells are all equal


@dataclass(frozen=True)
class MemoryFrame:
    """A frame in the memory bank."""

    frame: int
    vectors: Vectors
    labels: ClassProbabilities
    """(rows, columns, c) class probabilities; they sum to less than 1 where part of a cell is unknown."""


@dataclass
class MemoryBank:
    """Labelled frames and the latest frames, from which labels are propagated by feature similarity."""

    labelled: Mapping[int, Callable[[], MemoryFrame]]
    """Of each labelled frame, how to load it."""
    config: PropagationConfig
    cosine_spread: float
    """1 less the mean cosine of any two cells of the labelled frames."""
    _latest: deque[MemoryFrame] = field(default_factory=deque[MemoryFrame])

    _classifier: KernelClassifier | None = None

    @property
    def temperature(self) -> float:
        """Of the softmax of cosines."""
        return self.config.temperature * self.cosine_spread

    def add_frame(self, new: MemoryFrame) -> None:
        """Add a frame to the latest ones and drop the oldest."""
        self._latest.append(new)
        while len(self._latest) > (1 if self.config.single_match else self.config.memory_frames):
            self._latest.popleft()

    def match_labels(self, frame: int, vectors: Vectors) -> tuple[ClassProbabilities, NDArray[np.float32]]:
        """(rows, columns, c) propagated labels of the (rows, columns, d) `vectors`, and the best cosine per cell."""
        memory = self._memory_of(frame)
        count = 1 if self.config.single_match else self.config.match_count
        nearest = find_top_k_similar(
            vectors, np.stack([past.vectors for past in memory]), self.config.match_radius, count
        )
        labels = average_top_k_labels(nearest, np.stack([past.labels for past in memory]), self.temperature)
        return labels, nearest.cosine.max(axis=-1)

    def classify_cells(self, frame: int, vectors: Vectors) -> ClassProbabilities:
        """(rows, columns, c) class probabilities by the kernel classifier, which is fitted on the first call."""
        frames = sorted(self.labelled)
        first, length = frames[0], max(1, frames[-1] - frames[0])
        if self._classifier is None:
            chosen = pick_evenly(len(frames), CLASSIFIER_FRAMES)
            training = [self.labelled[frames[n]]() for n in chosen]
            times = [(known.frame - first) / length for known in training]
            self._classifier = fit_kernel_classifier(
                [known.vectors for known in training], times, [known.labels for known in training], self.cosine_spread
            )
        return self._classifier.predict(vectors, (frame - first) / length)

    def _memory_of(self, frame: int) -> Sequence[MemoryFrame]:
        """The frames that `frame` is matched with."""
        nearest = self._nearest_labelled(frame)
        memory = nearest + [past for past in self._latest if past.frame not in {known.frame for known in nearest}]
        return [min(memory, key=lambda past: abs(past.frame - frame))] if self.config.single_match else memory

    def _nearest_labelled(self, frame: int) -> list[MemoryFrame]:
        """The labelled frames nearest in time to `frame`, without itself, in order."""
        others = sorted((other for other in self.labelled if other != frame), key=lambda other: abs(other - frame))
        return [self.labelled[number]() for number in sorted(others[: self.config.labelled_frames])]


def compute_cosine_spread(vectors: NDArray[Any]) -> float:
    """1 less the mean cosine of any two of the (..., d) unit vectors: the scale on which cosines differ."""
    mean = np.asarray(vectors, np.float32).reshape(-1, vectors.shape[-1]).mean(axis=0, dtype=np.float64)
    return max(float(1 - mean @ mean), MIN_COSINE_SPREAD)


def predict_nearest_labels(
    vectors: Vectors, known: Vectors, labels: NDArray[np.float32], count: int, temperature: float
) -> NDArray[np.float32]:
    """(n, c) labels of (n, d) vectors by the `count` nearest of (m, d) `known`, weighted by a softmax of cosines."""
    cosine = vectors @ known.T
    count = min(count, len(known))
    best = np.argpartition(cosine, -count, axis=1)[:, -count:]
    close = np.take_along_axis(cosine, best, axis=1)
    weight = np.exp((close - close.max(axis=1, keepdims=True)) / np.float32(temperature))
    return ((weight / weight.sum(axis=1, keepdims=True))[..., None] * labels[best]).sum(axis=1)
