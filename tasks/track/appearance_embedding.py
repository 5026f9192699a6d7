"""Appearance embeddings of boxes: unit vectors whose cosine distance compares how two boxes look.

Two sources exist: the features artifact pooled over the middle of a box (here), and a network run on the box's pixels
(`reid_crops`). An embedding of zeros means unknown.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from tasks.arrays import AnyFloats, Vectors
from tasks.artifacts.features import Features

INNER_SHARE = np.array([0.6, 0.8])  # of width and height, where features are pooled: less background than at the edges
AppearanceEmbedder = Callable[[int, AnyFloats], Vectors | None]
"""(frame, (n, 4) xyxy) to (n, d) unit vectors, one per box; None where the frame has no picture."""


def make_feature_embedder(features: Features) -> AppearanceEmbedder:
    """An embedder that averages the vectors of `features` over the middle of each box."""

    def embed(frame: int, xyxy: AnyFloats) -> Vectors | None:
        centre, half = (xyxy[:, :2] + xyxy[:, 2:]) / 2, INNER_SHARE * (xyxy[:, 2:] - xyxy[:, :2]) / 2
        return features.pool_box_features(frame, np.concatenate([centre - half, centre + half], axis=1))

    return embed


def match_embeddings(first: Vectors, second: Vectors, max_distance: float) -> NDArray[np.bool_]:
    """(n,) whether two (n, d) embeddings are less than a cosine distance apart; True where one of them is unknown."""
    unknown = ~(first.any(axis=1) & second.any(axis=1))
    return unknown | (1 - np.einsum("nd,nd->n", first, second) < max_distance)
