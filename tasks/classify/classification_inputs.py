"""One video on the table: everything that its judges need."""

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
    """What is looked at, for what, and on which device."""

    frames: Frames
    dense_flow: DenseFlow
    windows: tuple[ClipWindow, ...]
    people: tuple[SubjectTrack, ...]
    """Who is looked at one by one, where the model or the parameters want it."""
    model: ActionModel
    params: ClassifyParams
    device: str

    @property
    def is_team(self) -> bool:
        """Whether both streams speak a team's own labels."""
        return self.model.vocabulary == "team"

    def looks_at_frame(self, window: ClipWindow) -> bool:
        """Whether the region is the whole frame; a team's is where nobody can be judged, as in training."""
        if self.model.region == "frame":
            return True
        return self.is_team and not select_present(self.people, window)
