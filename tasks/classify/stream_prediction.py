"""Class probabilities by one stream for one subject in one window, saliency maps of the top labels, and late fusion."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.artifacts.actions import CAM_SIDE
from tasks.artifacts.table import NULL
from tasks.streams.fusion import fuse_probabilities

MAX_LABELS = 5
"""Labels that are kept of each prediction."""
WHOLE_FRAME = NULL
"""Stands in place of a track id."""


@dataclass(frozen=True, eq=False)
class SaliencyMap:
    """Grad-CAM map of one label in one frame."""

    frame: int
    """The frame with the largest activation, or NULL where there is no map."""
    square: NDArray[np.float64]
    """(4,) xyxy of the network's input in that frame, pixels."""
    cam: NDArray[np.uint8]
    """(49,) map over the square, 255 at its peak."""

    @classmethod
    def without_map(cls, square: NDArray[np.float64]) -> SaliencyMap:
        """Of a prediction without a map."""
        return cls(NULL, square, np.zeros(CAM_SIDE**2, np.uint8))

    @classmethod
    def from_activations(cls, frame: int, square: NDArray[np.float64], activation: NDArray[np.float32]) -> SaliencyMap:
        """From an (h, w) Grad-CAM map, resized and scaled to a peak of 255; zeros where it is zero."""
        if activation.shape != (CAM_SIDE, CAM_SIDE):
            resized: Any = cv2.resize(activation, (CAM_SIDE, CAM_SIDE), interpolation=cv2.INTER_AREA)
            activation = resized
        share = activation / max(float(activation.max()), 1e-12)
        return cls(frame, square, np.rint(255 * share).astype(np.uint8).reshape(-1))


@dataclass(frozen=True, eq=False)
class StreamPrediction:
    """Class probabilities of one subject in one window by one stream (`rgb`, `flow` or `fused`)."""

    window: int
    """Number of the window."""
    stream: str
    track_id: int
    """The subject's track, or WHOLE_FRAME."""
    vocabulary: str
    labels: tuple[str, ...]
    probabilities: NDArray[np.float32]
    """(labels,), their sum is 1."""
    saliency: tuple[SaliencyMap, ...]
    """One for each of `top_labels`."""
    novelty: float = float("nan")
    """How unlike the training segments the window is (tasks/streams/novelty.py), 0..1; NaN where they are not known."""
    max_logit: float = float("nan")
    """Logit of the most probable label of Kinetics-400; NaN for other vocabularies."""

    @property
    def top_labels(self) -> NDArray[np.intp]:
        """Indices of the most probable labels, at most MAX_LABELS."""
        return select_top_labels(self.probabilities)


def select_top_labels(probabilities: NDArray[np.float32]) -> NDArray[np.intp]:
    """Indices of the MAX_LABELS largest probabilities, in descending order; of equals the earlier first."""
    return np.argsort(-probabilities, kind="stable")[:MAX_LABELS]


def fuse_predictions(
    predictions: Sequence[StreamPrediction], weights: tuple[float, float]
) -> Iterator[StreamPrediction]:  # fmt: skip
    """Late fusion: weighted mean probabilities of both streams, as stream `fused`.

    There is one for every window and subject that has a prediction of each stream in the same vocabulary. Its novelty
    is that of the flow stream, which scenery does not change.
    """
    by_subject = {(flow.window, flow.track_id, flow.vocabulary): flow for flow in predictions if flow.stream == "flow"}
    for rgb in predictions:
        flow = by_subject.get((rgb.window, rgb.track_id, rgb.vocabulary))
        if rgb.stream == "rgb" and flow is not None:
            found = fuse_probabilities(rgb.probabilities[None], flow.probabilities[None], weights)[0].astype(np.float32)
            square = rgb.saliency[0].square
            saliency = tuple(SaliencyMap.without_map(square) for _ in select_top_labels(found))
            yield StreamPrediction(
                rgb.window, "fused", rgb.track_id, rgb.vocabulary, rgb.labels, found, saliency, flow.novelty
            )
