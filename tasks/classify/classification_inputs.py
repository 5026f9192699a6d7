"""All inputs of the two streams for one video."""

from __future__ import annotations

from dataclasses import dataclass

from tasks.artifacts.action_model import ActionModel
from tasks.artifacts.dense_flow import DenseFlow
from tasks.artifacts.frames import Frames
from tasks.classify.params import ClassifyParams
from tasks.classify.person_selection import SubjectTrack, select_present
from tasks.streams.video_clips import ClipWindow


@dataclass(frozen=True, eq=False)
class ClassificationInputs:
    """Frames, flow, windows, people, model, parameters and device."""

    frames: Frames
    dense_flow: DenseFlow
    windows: tuple[ClipWindow, ...]
    people: tuple[SubjectTrack, ...]
    """The people who are classified one by one, where the model or the parameters ask for it."""
    model: ActionModel
    params: ClassifyParams
    device: str

    @property
    def has_team_labels(self) -> bool:
        """Whether both streams predict a team's own labels."""
        return self.model.vocabulary == "team"

    def uses_whole_frame(self, window: ClipWindow) -> bool:
        """Whether the region is the whole frame; with a team's model also where nobody is tracked, as in training."""
        if self.model.region == "frame":
            return True
        return self.has_team_labels and not select_present(self.people, window)
