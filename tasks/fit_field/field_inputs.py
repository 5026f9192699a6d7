"""The artifacts from which the semantic field of a video is fitted."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from tasks.artifacts.camera_poses import CameraPoses
from tasks.artifacts.dense_flow import DenseFlow
from tasks.artifacts.features import Features
from tasks.artifacts.field_labels import FieldLabels
from tasks.artifacts.frames import Frames
from tasks.artifacts.semantic_flow import SemanticFlow
from tasks.artifacts.shots import Shots
from tasks.artifacts.tracks import Tracks
from tasks.fit_field.feature_grids import read_feature_grid


class VolumeInputs(Protocol):
    """The artifacts that a plane volume is fitted to."""

    @property
    def frames(self) -> Frames: ...

    @property
    def dense_flow(self) -> DenseFlow: ...

    @property
    def camera_poses(self) -> CameraPoses: ...


@dataclass(frozen=True, eq=False)
class VolumeArtifacts:
    """These artifacts alone, where nothing else is needed: features are not kept, and take time to compute again."""

    frames: Frames
    dense_flow: DenseFlow
    camera_poses: CameraPoses


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
    shots: Shots | None = None
    """None where they were not looked for: then a shot ends where dense flow has a cut."""

    @cached_property
    def shot_of_frames(self) -> NDArray[np.intp]:
        """(frames,) number of the shot of each frame."""
        shots = self.shots or Shots.from_cuts(self.dense_flow.cut, self.frames.pts_s)
        return shots.of_frames

    def is_usable(self, frame: int) -> bool:
        """Whether a frame can have a label map: it was decoded without damage, and it has features."""
        return bool(self.frames.ok[frame]) and self.feature_grid(frame) is not None

    def feature_grid(self, frame: int) -> NDArray[np.float32] | None:
        """(h, w, d) unit vectors of a frame, moved by the flow where it is not stored; None where there are none."""
        return read_feature_grid(self.features, self.dense_flow, self.shot_of_frames, frame)
