"""The artifacts from which the semantic field of a video is fitted."""

from __future__ import annotations

from dataclasses import dataclass, field

from tasks.artifacts.camera_poses import CameraPoses
from tasks.artifacts.dense_flow import DenseFlow
from tasks.artifacts.features import Features
from tasks.artifacts.field_labels import FieldLabels
from tasks.artifacts.frames import Frames
from tasks.artifacts.semantic_flow import SemanticFlow
from tasks.artifacts.tracks import Tracks


@dataclass(frozen=True, eq=False)
class FieldInputs:
    """All artifacts of one video that `fit_field` reads; the user's labels and camera poses may be absent."""

    frames: Frames
    dense_flow: DenseFlow
    features: Features
    semantic_flow: SemanticFlow
    tracks: Tracks
    field_labels: FieldLabels
    camera_poses: CameraPoses = field(default_factory=CameraPoses.absent)

    def is_usable(self, frame: int) -> bool:
        """Whether a frame can have a label map: it was decoded without damage, and it has features."""
        return bool(self.frames.ok[frame]) and self.features.vectors(frame) is not None
