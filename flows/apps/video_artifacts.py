"""What is known of a video, opened when it is asked for; whatever is not there is named with what to do."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from flows.apps.track_object import opened
from flows.engine.project import PARAMS_FILE, find_root
from tasks.artifacts.camera_poses import CameraPoses
from tasks.artifacts.dense_flow import DenseFlow
from tasks.artifacts.features import Features
from tasks.artifacts.field_labels import FieldLabels
from tasks.artifacts.frames import Frames
from tasks.artifacts.semantic_field import SemanticField
from tasks.artifacts.semantic_flow import SemanticFlow
from tasks.artifacts.tracks import Tracks
from tasks.errors import SemflowError
from tasks.fit_field.field_inputs import FieldInputs
from tasks.fit_field.params import FitFieldParams
from tasks.params import Compute, Params, read_params
from tasks.report.field_paint import LabelPaint, assign_paints


@dataclass(frozen=True)
class VideoArtifacts:
    """One video of a project."""

    root: Path
    video: str

    @classmethod
    def of(cls, video: str, start: Path | None = None) -> VideoArtifacts:
        """The video in the project at or above `start`; SemflowError where there are no frames of it."""
        shelf = cls(find_root(start or Path.cwd()), video)
        _ = shelf.frames
        return shelf

    @cached_property
    def frames(self) -> Frames:
        """Decoded frames."""
        return opened(self.root, self.video, Frames)

    @cached_property
    def dense_flow(self) -> DenseFlow:
        """Of neighbouring frames."""
        return opened(self.root, self.video, DenseFlow)

    @cached_property
    def features(self) -> Features:
        """Of every frame."""
        return opened(self.root, self.video, Features)

    @cached_property
    def semantic_flow(self) -> SemanticFlow:
        """Of frames farther apart."""
        return opened(self.root, self.video, SemanticFlow)

    @cached_property
    def tracks(self) -> Tracks:
        """Of things."""
        return opened(self.root, self.video, Tracks)

    @cached_property
    def labels(self) -> FieldLabels:
        """A person's own; empty where there are none."""
        return FieldLabels.open(FieldLabels.path(self.root, self.video))

    @cached_property
    def field(self) -> SemanticField:
        """The fitted field; SemflowError where there is none, or where it has no maps."""
        found: SemanticField = opened(self.root, self.video, SemanticField)
        if not len(found):
            raise SemflowError(
                f"the field of {self.video!r} must have label maps, got none: {found.metadata.reason}; "
                f"then run `semflow run`, or see `semflow field complete {self.video}`"
            )
        return found

    @cached_property
    def params(self) -> FitFieldParams:
        """How fields are fitted in this project."""
        found = self._sections["fit_field"]
        assert isinstance(found, FitFieldParams)
        return found

    @cached_property
    def compute(self) -> Compute:
        """What to compute on."""
        found = self._sections["compute"]
        assert isinstance(found, Compute)
        return found

    @cached_property
    def _sections(self) -> dict[str, Params]:
        from flows.pipeline import STAGES

        sections = {"compute": Compute} | {stage.name: stage.params for stage in STAGES}
        return dict(read_params(self.root / PARAMS_FILE, sections))

    def inputs(self, labels: FieldLabels) -> FieldInputs:
        """What a field is fitted to, with these labels."""
        poses = CameraPoses.open(CameraPoses.path(self.root, self.video))
        return FieldInputs(self.frames, self.dense_flow, self.features, self.semantic_flow, self.tracks, labels, poses)

    def paints(self, field: SemanticField) -> tuple[LabelPaint, ...]:
        """Colours of a field's values, those of the report where it has them."""
        from tasks.report.colours import class_slots

        tracked = Tracks.path(self.root, self.video).exists()
        ids = dict(zip(self.tracks.class_name, self.tracks.class_id.tolist(), strict=True)) if tracked else {}
        return assign_paints(field.metadata.classes, ids, class_slots(ids.values()))
