"""All inputs of the two streams for one video."""

from __future__ import annotations

from dataclasses import dataclass

from tasks.artifacts.action_model import ActionModel
from tasks.artifacts.dense_flow import DenseFlow
from tasks.artifacts.frames import Frames
from tasks.classify.params import ClassifyParams
from tasks.classify.person_selection import SubjectTrack
from tasks.classify.subject_windows import SubjectWindows
from tasks.streams.video_clips import ClipWindow


@dataclass(frozen=True, eq=False)
class ClassificationInputs:
    """Frames, flow, windows with their subjects, model, parameters and device."""

    frames: Frames
    dense_flow: DenseFlow
    subjects: SubjectWindows
    model: ActionModel
    params: ClassifyParams
    device: str

    @property
    def windows(self) -> tuple[ClipWindow, ...]:
        """All windows, in order of time."""
        return self.subjects.windows

    @property
    def has_team_labels(self) -> bool:
        """Whether both streams predict a team's own labels."""
        return self.model.vocabulary == "team"

    def uses_whole_frame(self, number: int) -> bool:
        """Whether the model's region in window `number` is the whole frame: a team's model, as in training, also looks
        at the whole frame where nobody is tracked."""
        if self.model.region == "frame":
            return number in self.subjects.frame_numbers
        return self.has_team_labels and number in self.subjects.unattended

    def list_people(self, number: int) -> tuple[SubjectTrack, ...]:
        """The people whose region the model reads in window `number`."""
        return () if self.model.region == "frame" else self.subjects.people.get(number, ())
