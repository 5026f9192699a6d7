"""Semantic evidence: labels of the most similar feature cells in a memory bank of other frames.

Label propagation after Jabri et al. (NeurIPS 2020), see tasks/geometry/feature_propagation.py: each cell takes
the mean label of its nearest neighbours in feature space, weighted by a softmax of cosines, in the labelled frames
nearest in time and in the latest frames. The labels of the latest frames are the evidence on the cell grid, not the
finished maps: those would blur from frame to frame when fed back. Differences: the nearest labelled frame is matched a
second time, moved to where its objects are now (memory_frame.py), and given labels weigh more than propagated ones.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.arrays import ClassProbabilities, Vectors
from tasks.geometry.evenly_spaced import pick_evenly
from tasks.geometry.feature_propagation import TopKSimilar, average_top_k_labels
from tasks.label_propagation.cell_search import SearchGrid, find_similar_cells
from tasks.label_propagation.kernel_classifier import KernelClassifier, fit_kernel_classifier
from tasks.label_propagation.memory_frame import MemoryFrame, shift_objects
from tasks.label_propagation.propagation_config import PropagationConfig

CLASSIFIER_FRAMES = 12  # labelled frames that the kernel classifier is fitted to, evenly spread
MIN_COSINE_SPREAD = 1e-3  # of frames without any texture, whose cells are all equal


@dataclass(frozen=True, eq=False)
class LabelledMemory:
    """The labelled frames of a sequence and the classifier fitted to them: what both passes share."""

    frames: Mapping[int, Callable[[], MemoryFrame]]
    """Of each labelled frame, how to load it."""
    cosine_spread: float
    """1 less the mean cosine of any two cells of the labelled frames."""
    _predicted: dict[int, ClassProbabilities] = field(default_factory=dict[int, ClassProbabilities])

    def classify_cells(self, frame: int, vectors: Vectors) -> ClassProbabilities:
        """(rows, columns, c) class probabilities of the features of `frame` by the kernel classifier; computed once."""
        if frame not in self._predicted:
            self._predicted[frame] = self._classifier.predict(vectors, self._relative_time(frame))
        return self._predicted[frame]

    def find_nearest(self, frame: int, count: int) -> list[MemoryFrame]:
        """The `count` labelled frames nearest in time to `frame`, without itself, in order."""
        others = sorted((other for other in self.frames if other != frame), key=lambda other: abs(other - frame))
        return [self.frames[number]() for number in sorted(others[:count])]

    @cached_property
    def _classifier(self) -> KernelClassifier:
        frames = sorted(self.frames)
        training = [self.frames[frames[n]]() for n in pick_evenly(len(frames), CLASSIFIER_FRAMES)]
        return fit_kernel_classifier(
            [known.grid.vectors for known in training],
            [self._relative_time(known.frame) for known in training],
            [known.labels for known in training],
            self.cosine_spread,
        )

    def _relative_time(self, frame: int) -> float:
        """0 at the first labelled frame, 1 at the last."""
        return (frame - min(self.frames)) / max(1, max(self.frames) - min(self.frames))


@dataclass
class MemoryBank:
    """Labelled frames and the latest frames of a pass, from which labels are propagated by feature similarity."""

    labelled: LabelledMemory
    config: PropagationConfig
    _latest: deque[MemoryFrame] = field(default_factory=deque[MemoryFrame])

    @property
    def temperature(self) -> float:
        """Of the softmax of cosines."""
        return self.config.temperature * self.labelled.cosine_spread

    def add_frame(self, new: MemoryFrame) -> None:
        """Add a frame to the latest ones and drop the oldest."""
        self._latest.append(new)
        while len(self._latest) > (1 if self.config.single_match else self.config.memory_frames):
            self._latest.popleft()

    def match_labels(self, frame: int, grid: SearchGrid) -> tuple[ClassProbabilities, NDArray[np.float32]]:
        """(rows, columns, c) propagated labels of the cells of `grid`, and the best cosine per cell."""
        given, latest = self._memory_of(frame)
        memory = [*given, *latest]
        count = 1 if self.config.single_match else self.config.match_count
        known = np.stack([past.labels for past in memory])
        nearest = find_similar_cells(grid, [past.grid for past in memory], known, self.config.match_radius, count)
        is_given = nearest.index < len(given) * grid.vectors.shape[0] * grid.vectors.shape[1]
        bonus = np.float32(self.config.labelled_bias * self.temperature) * is_given
        labels = average_top_k_labels(TopKSimilar(nearest.cosine + bonus, nearest.index), known, self.temperature)
        return labels, nearest.cosine.max(axis=-1)

    def _memory_of(self, frame: int) -> tuple[Sequence[MemoryFrame], Sequence[MemoryFrame]]:
        """The labelled and the latest frames that `frame` is matched with."""
        nearest = self.labelled.find_nearest(frame, self.config.labelled_frames)
        latest = [past for past in self._latest if past.frame not in {known.frame for known in nearest}]
        if self.config.single_match:
            closest = min([*nearest, *latest], key=lambda past: abs(past.frame - frame))
            return ([closest], []) if closest in nearest else ([], [closest])
        moved = self._shift_nearest(frame, nearest, latest) if self.config.shift_objects else None
        return (nearest if moved is None else [*nearest, moved]), latest

    def _shift_nearest(
        self, frame: int, nearest: Sequence[MemoryFrame], latest: Sequence[MemoryFrame]
    ) -> MemoryFrame | None:
        """The labelled frame nearest to `frame` with its objects where the last of the `latest` frames has them; None
        where it is nearer than that frame."""
        if not nearest or not latest:
            return None
        known = min(nearest, key=lambda past: abs(past.frame - frame))
        is_farther = abs(known.frame - frame) > abs(latest[-1].frame - frame)
        return shift_objects(known, latest[-1].labels) if is_farther else None


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
