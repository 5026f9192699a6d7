"""Visual cues for tracking, beside the detections: camera motion, appearance embeddings and dense flow.

Each cue may be missing. Without a cue the tracker computes what it computes from detections alone.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tasks.arrays import AnyFloats, Vectors
from tasks.artifacts.dense_flow import DenseFlow
from tasks.artifacts.detections import Detections
from tasks.artifacts.features import Features
from tasks.artifacts.frames import Frames
from tasks.params import Compute
from tasks.track.appearance_embedding import AppearanceEmbedder, make_feature_embedder
from tasks.track.camera_motion import VideoCameraMotion, estimate_video_camera_motion
from tasks.track.params import TrackParams


@dataclass(frozen=True, eq=False)
class VisualCues:
    """What the pictures of a video tell the tracker."""

    camera_motion: VideoCameraMotion | None = None
    """Compensated for in filters, links and paths."""
    embedder: AppearanceEmbedder | None = None
    embedding_size: int = 0
    """Length of the embedder's vectors; 0 without it."""
    dense_flow: DenseFlow | None = None
    """Propagates boxes over frames in which the detector missed them."""
    shot: NDArray[np.intp] | None = None
    """(frames,) number of the shot of each frame, in which tracks end; None where they were not looked for."""

    def embed_boxes(self, frame: int, xyxy: AnyFloats) -> Vectors:
        """(n, embedding_size) unit vectors of (n, 4) boxes, zeros where the frame has no picture."""
        found = self.embedder(frame, xyxy) if self.embedder and len(xyxy) else None
        return np.zeros((len(xyxy), self.embedding_size), np.float32) if found is None else found


NO_CUES = VisualCues()


def make_visual_cues(  # noqa: PLR0917  all that the stage reads
    detections: Detections,
    dense_flow: DenseFlow,
    features: Features,
    frames: Frames,
    params: TrackParams,
    compute: Compute,
) -> VisualCues:
    """The cues that `params` ask for; nothing else is read or loaded."""
    cues = VisualCues(dense_flow=dense_flow if params.flow_prediction else None)
    if params.camera_compensation:
        cues = replace(cues, camera_motion=estimate_video_camera_motion(dense_flow, detections, params.low_score))
    if params.reid_weights:
        from tasks.track.reid_crops import EMBEDDING_SIZE, make_crop_embedder

        embedder = make_crop_embedder(frames, params.reid_weights, compute)
        return replace(cues, embedder=embedder, embedding_size=EMBEDDING_SIZE)
    if params.uses_appearance:
        features.check_stored(range(len(features)), "track.appearance")
        return replace(cues, embedder=make_feature_embedder(features), embedding_size=features.dimensions)
    return cues
