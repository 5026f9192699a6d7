"""The artifacts of a data set by name, with the stage that makes each; the order is that of the pipeline."""

from __future__ import annotations

from tasks.artifacts.action_model import ActionModel
from tasks.artifacts.actions import Actions
from tasks.artifacts.artifact import Artifact
from tasks.artifacts.dense_flow import DenseFlow
from tasks.artifacts.detections import Detections
from tasks.artifacts.feature_axes import FeatureAxes
from tasks.artifacts.features import Features
from tasks.artifacts.frames import Frames
from tasks.artifacts.kinematics import Kinematics
from tasks.artifacts.masks import Masks
from tasks.artifacts.matches import Matches
from tasks.artifacts.poses import Poses
from tasks.artifacts.semantic_field import SemanticField
from tasks.artifacts.semantic_flow import SemanticFlow
from tasks.artifacts.shots import Shots
from tasks.artifacts.tracks import Tracks
from tasks.errors import SemflowError

STAGE_OF: dict[type[Artifact], str] = {
    Frames: "decode",
    Detections: "detect",
    Masks: "segment",
    DenseFlow: "estimate_flow",
    Shots: "find_shots",
    FeatureAxes: "fit_axes",
    Features: "extract_features",
    SemanticFlow: "match",
    Matches: "match",
    Tracks: "track",
    Poses: "estimate_pose",
    Kinematics: "estimate_pose",
    ActionModel: "train",
    Actions: "classify",
    SemanticField: "fit_field",
}
"""Class of an artifact to the stage that makes it."""
KINDS: dict[str, type[Artifact]] = {kind.artifact_name(): kind for kind in STAGE_OF}
"""Name of an artifact to its class."""
TABLES: tuple[str, ...] = tuple(name for name, kind in KINDS.items() if kind.SUFFIX == ".parquet")
"""The artifacts that are Parquet files: those with `video` and times as columns."""
OF_DATASET: tuple[str, ...] = (FeatureAxes.artifact_name(), ActionModel.artifact_name())
"""The artifacts of which there is one for all videos."""


def find_kind(name: str) -> type[Artifact]:
    """The class of the artifact `name`; SemflowError where there is none."""
    if name not in KINDS:
        raise SemflowError(f"an artifact must be one of {', '.join(KINDS)}, got {name!r}")
    return KINDS[name]
