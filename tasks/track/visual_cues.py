"""What the pictures tell the tracker beside the detections: the camera's motion, looks, and dense flow.

Each part may be missing, and all of them where there are detections alone; what a missing part would have changed then
stays as the detections have it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tasks.artifacts.dense_flow import DenseFlow
from tasks.artifacts.detections import Detections
from tasks.artifacts.features import Features
from tasks.artifacts.frames import Frames
from tasks.params import Compute
from tasks.track.camera_motion import VideoCameraMotion, estimate_camera_motion

if TYPE_CHECKING:
    from tasks.track.params import TrackParams

INNER = np.array([0.6, 0.8])  # of width and height, where features are pooled: a person's middle has less background
AppearanceEmbedder = Callable[[int, NDArray[np.floating[Any]]], NDArray[np.float32] | None]
"""(frame, (n, 4) xyxy) to (n, d) unit vectors of what the boxes hold; None where the frame has none."""


@dataclass(frozen=True, eq=False)
class VisualCues:
    """What is known beside the detections."""

    camera: VideoCameraMotion | None = None
    look: AppearanceEmbedder | None = None
    dimensions: int = 0
    """Of what `look` gives; 0 without it."""
    flow: DenseFlow | None = None
    """What carries boxes over frames in which the detector missed them."""

    def looks(self, frame: int, xyxy: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
        """(n, dimensions) unit vectors of (n, 4) boxes, zeros where the frame has no picture."""
        found = self.look(frame, xyxy) if self.look and len(xyxy) else None
        return np.zeros((len(xyxy), self.dimensions), np.float32) if found is None else found


NO_CUES = VisualCues()


def make_visual_cues(  # noqa: PLR0917  all that the stage reads
    detections: Detections,
    dense_flow: DenseFlow,
    features: Features,
    frames: Frames,
    params: TrackParams,
    compute: Compute,
) -> VisualCues:
    """What `params` ask for; of what they do not ask for nothing is read or loaded."""
    sight = VisualCues(
        camera=estimate_camera_motion(dense_flow, detections, params.low_score) if params.camera else None,
        flow=dense_flow if params.carry else None,
    )
    if params.network:
        from tasks.track.reid_crops import EMBEDDING_SIZE, make_crop_embedder

        return replace(sight, look=make_crop_embedder(frames, params.network, compute), dimensions=EMBEDDING_SIZE)
    if params.looking:
        return replace(sight, look=make_feature_embedder(features), dimensions=features.values.shape[-1])
    return sight


def make_feature_embedder(features: Features) -> AppearanceEmbedder:
    """The vectors of `features` in the middle of each box."""

    def look(frame: int, xyxy: NDArray[np.floating[Any]]) -> NDArray[np.float32] | None:
        centre, half = (xyxy[:, :2] + xyxy[:, 2:]) / 2, INNER * (xyxy[:, 2:] - xyxy[:, :2]) / 2
        return features.pooled(frame, np.concatenate([centre - half, centre + half], axis=1))

    return look
