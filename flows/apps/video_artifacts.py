"""The artifacts of one video, loaded when they are first used; an error says which one is missing and what to do."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flows.engine.project import PARAMS_FILE, find_root
from tasks.artifacts.artifact import DATASET_ITEM, Artifact
from tasks.artifacts.camera_poses import CameraPoses
from tasks.artifacts.dense_flow import DenseFlow
from tasks.artifacts.feature_axes import FeatureAxes
from tasks.artifacts.features import FeatureGrids, Features
from tasks.artifacts.field_labels import FieldLabels
from tasks.artifacts.frames import Frames
from tasks.artifacts.semantic_field import SemanticField
from tasks.artifacts.semantic_flow import SemanticFlow
from tasks.artifacts.shots import Shots
from tasks.artifacts.tracks import Tracks
from tasks.errors import SemflowError
from tasks.extract_features.params import ExtractFeaturesParams
from tasks.fit_field.field_inputs import FieldInputs
from tasks.fit_field.params import FitFieldParams
from tasks.params import Compute, ParamSections, read_params
from tasks.report.field_paint import LabelPaint, assign_paints

if TYPE_CHECKING:
    from flows.engine.project import Project

log = logging.getLogger("semflow")


def load_artifact(root: Path, video: str, artifact_type: type[Any]) -> Any:
    """An artifact of the video, computed again where it is not kept; SemflowError where there is none."""
    assert issubclass(artifact_type, Artifact)
    path = artifact_type.path(root, video)
    if not path.exists() and not _restore(root, video, artifact_type.FOLDER):
        there = sorted(found.stem for found in path.parent.glob(f"*{artifact_type.SUFFIX}"))
        raise SemflowError(
            f"VIDEO must be a video with {path.relative_to(root)}, got {video!r}; "
            f"there are {', '.join(there) or 'none'}: run `semflow run` first"
        )
    return artifact_type.load(path)


def _restore(root: Path, video: str, folder: str) -> bool:
    """Compute again an artifact that is not kept (`compute.recompute`); False where the video has none."""
    from flows.engine.project import Project
    from flows.engine.recipe import RECIPE_FOLDER

    return (root / RECIPE_FOLDER).is_dir() and restore_artifact(Project.open(root), video, folder)


def restore_artifact(project: Project, video: str, folder: str) -> bool:
    """Compute again an artifact that is not kept (`compute.recompute`); False where the video has none."""
    from flows.engine.outcome import Item
    from flows.engine.run import restore_artifacts

    maker = project.producers.get(folder)
    if maker is None or maker.keeps_artifacts or video not in project.videos:
        return False
    if (maker.name, project.artifact_stem(video)) not in project.recipe_store.recipes:
        return False
    log.info("%s/%s is not kept, and is computed again", folder, video)
    restore_artifacts(project, [Item(video, maker.name)])
    return True


@dataclass(frozen=True)
class VideoArtifacts:
    """One video of a project."""

    root: Path
    video: str

    @classmethod
    def find(cls, video: str, start: Path | None = None) -> VideoArtifacts:
        """The video in the project at or above `start`; SemflowError where it has no frames."""
        found = cls(find_root(start or Path.cwd()), video)
        _ = found.frames
        return found

    @cached_property
    def frames(self) -> Frames:
        """Decoded frames."""
        return load_artifact(self.root, self.video, Frames)

    @cached_property
    def dense_flow(self) -> DenseFlow:
        """Optical flow of neighbouring frames."""
        return load_artifact(self.root, self.video, DenseFlow)

    @cached_property
    def shots(self) -> Shots:
        """Stretches between cuts, fades and dissolves."""
        return load_artifact(self.root, self.video, Shots)

    @cached_property
    def features(self) -> Features:
        """Feature grids of the stored frames."""
        return load_artifact(self.root, self.video, Features)

    @cached_property
    def frame_features(self) -> FeatureGrids:
        """Feature grids of every frame: the artifact where it has them all, else computed when they are read."""
        path = Features.path(self.root, self.video)
        stored = Features.load(path) if path.exists() else None
        if stored is not None and len(stored.frames) == len(stored):
            return stored
        from flows.apps.frame_features import FrameFeatures

        axes: FeatureAxes = load_artifact(self.root, DATASET_ITEM, FeatureAxes)
        params = self._sections.get_section(ExtractFeaturesParams)
        return FrameFeatures(self.frames, axes, params, self.compute)

    @cached_property
    def semantic_flow(self) -> SemanticFlow:
        """Semantic correspondence of frames farther apart."""
        return load_artifact(self.root, self.video, SemanticFlow)

    @cached_property
    def tracks(self) -> Tracks:
        """Tracked objects."""
        return load_artifact(self.root, self.video, Tracks)

    @cached_property
    def camera_poses(self) -> CameraPoses:
        """The user's camera poses in `data/cameras/`; absent where there are none."""
        return CameraPoses.open(CameraPoses.path(self.root, self.video))

    @cached_property
    def labels(self) -> FieldLabels:
        """The user's label masks and points in `data/labels/<video>/`; empty where there are none."""
        return FieldLabels.open(FieldLabels.path(self.root, self.video))

    @cached_property
    def field(self) -> SemanticField:
        """The fitted semantic field; SemflowError where there is none, or where it has no maps."""
        found: SemanticField = load_artifact(self.root, self.video, SemanticField)
        if not len(found):
            raise SemflowError(
                f"the field of {self.video!r} must have label maps, got none: {found.metadata.reason}; "
                f"then run `semflow run`, or see `semflow field complete {self.video}`"
            )
        return found

    @cached_property
    def params(self) -> FitFieldParams:
        """Section `fit_field` of the project's params.yaml."""
        return self._sections.get_section(FitFieldParams)

    @cached_property
    def compute(self) -> Compute:
        """Section `compute` of the project's params.yaml."""
        return self._sections.get_section(Compute)

    @cached_property
    def _sections(self) -> ParamSections:
        from flows.pipeline import STAGES

        sections = {"compute": Compute} | {stage.name: stage.params for stage in STAGES}
        return read_params(self.root / PARAMS_FILE, sections)

    def make_inputs(self, labels: FieldLabels) -> FieldInputs:
        """The inputs of `fit_field` with these seed labels."""
        artifacts = self.frames, self.dense_flow, self.features, self.semantic_flow, self.tracks
        return FieldInputs(*artifacts, labels, self.camera_poses, self.shots)

    def choose_paints(self, field: SemanticField) -> tuple[LabelPaint, ...]:
        """The colour of each value of a field, as on the report's pages where the class is tracked."""
        from tasks.report.colours import class_slots

        tracked = Tracks.path(self.root, self.video).exists()
        ids = dict(zip(self.tracks.class_name, self.tracks.class_id.tolist(), strict=True)) if tracked else {}
        return assign_paints(field.metadata.classes, ids, class_slots(ids.values()))
