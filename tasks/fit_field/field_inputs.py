"""What the stage reads."""

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
    """The artifacts of a video."""

    frames: Frames
    dense_flow: DenseFlow
    features: Features
    semantic_flow: SemanticFlow
    tracks: Tracks
    field_labels: FieldLabels
    camera_poses: CameraPoses = field(default_factory=CameraPoses.absent)

    def whole(self, frame: int) -> bool:
        """Whether a frame can have a map: its picture is whole, and it has features."""
        return bool(self.frames.ok[frame]) and self.features.vectors(frame) is not None
