"""One stream's judgement of one subject in one window, and which places spoke for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.artifacts.actions import CAM_SIDE
from tasks.artifacts.table import NULL

MAX_LABELS = 5
"""Labels that are kept of each look."""
WHOLE_FRAME = NULL
"""Stands where a track's identity would."""


@dataclass(frozen=True, eq=False)
class SaliencyMap:
    """Where the network saw one label."""

    frame: int
    """The frame with the most of it, or NULL where there is no map."""
    square: NDArray[np.float64]
    """(4,) xyxy what the stream looked at in that frame, pixels."""
    cam: NDArray[np.uint8]
    """(49,) map over the square, 255 at its peak."""

    @classmethod
    def none(cls, square: NDArray[np.float64]) -> SaliencyMap:
        """A look without a map."""
        return cls(NULL, square, np.zeros(CAM_SIDE**2, np.uint8))

    @classmethod
    def of(cls, frame: int, square: NDArray[np.float64], strength: NDArray[np.float32]) -> SaliencyMap:
        """From an (h, w) map of the evidence; zeros where there is none."""
        if strength.shape != (CAM_SIDE, CAM_SIDE):
            resized: Any = cv2.resize(strength, (CAM_SIDE, CAM_SIDE), interpolation=cv2.INTER_AREA)
            strength = resized
        share = strength / max(float(strength.max()), 1e-12)
        return cls(frame, square, np.rint(255 * share).astype(np.uint8).reshape(-1))


@dataclass(frozen=True, eq=False)
class StreamPrediction:
    """A judgement."""

    window: int
    """Number of the window."""
    stream: str
    track_id: int
    """Who, or WHOLE_FRAME."""
    vocabulary: str
    labels: tuple[str, ...]
    probabilities: NDArray[np.float32]
    """(labels,), their sum is 1."""
    evidence: tuple[SaliencyMap, ...]
    """For each of the labels that `best` names."""

    @property
    def best(self) -> NDArray[np.intp]:
        """Numbers of the most probable labels, at most five."""
        return select_top_labels(self.probabilities)


def select_top_labels(probabilities: NDArray[np.float32]) -> NDArray[np.intp]:
    """Places of the largest five, largest first, the earlier of equals first."""
    return np.argsort(-probabilities, kind="stable")[:MAX_LABELS]
