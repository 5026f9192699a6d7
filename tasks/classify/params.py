"""Parameters of the stage `classify`: the section `classify` of params.yaml."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from tasks.params import Params
from tasks.streams.window_plan import WindowPlan


class ClassifyParams(Params):
    """Windows of a video, the people who are classified, and the threshold of a confident label."""

    RENAMED: ClassVar[Mapping[str, str]] = {
        "window": "window_length",
        "stride": "window_stride",
        "people": "max_people",
        "people_rgb": "classify_people_by_appearance",
        "flow_stacks": "flow_stacks_per_window",
    }

    network: Literal["i3d", "r3d_18", "r2plus1d_18"]
    """Network of the rgb stream where there is no team's model; the last two need their file."""
    network_file: str | None
    """torchvision's weights of r3d_18 or r2plus1d_18; null for i3d, whose weights are fetched."""
    network_sha256: str | None = Field(pattern="^[0-9a-f]{64}$")
    """SHA-256 that the file must have: it makes the file a part of the recipe; null for i3d."""
    fps: float = Field(gt=0, le=1000)
    """Pictures per second of a clip: 25 for I3D, 15 for the others; a slower video shows pictures twice."""
    window_length: int = Field(ge=8, le=1024)
    """Pictures per clip: 64 for I3D, 16 for the others. Half of I3D's costs half, and some certainty."""
    window_stride: int = Field(ge=1)
    """Pictures from one window to the next; no window spans a cut, and the last of each shot ends with it."""
    max_windows: int = Field(ge=1)
    """Windows per video at most; of a long video as many are taken, spread evenly."""
    max_people: int = Field(ge=0)
    """Tracked people who are classified one by one, those tracked longest; 0 for the whole frame alone."""
    classify_people_by_appearance: bool
    """Whether the rgb stream too classifies each of them (Kinetics-400): each costs as much as the frame."""
    flow_stacks_per_window: int = Field(ge=1)
    """Flow stacks per window, of .4 s each, spread evenly; their scores are averaged."""
    min_probability: float = Field(ge=0, le=1)
    """Least probability of a confident first label."""
    min_body_px: float = Field(ge=0)
    """Height of a person below which no label of the pretrained motions is confident, pixels at working size."""
    max_camera_speed: float = Field(ge=0)
    """Motion of the picture by the camera above which none is, picture widths per second."""
    max_novelty: float = Field(ge=0, le=1)
    """Novelty above which a window looks like nothing that was learned and none of your labels is confident: 0.95 is
    farther from all labelled segments than 95 of 100 of them are from those of other videos; 1 for no limit."""

    min_logit: float = Field(ge=0)
    """Logit of the first label of Kinetics-400 below which it is not confident (tasks/classify/kinetics_evidence.py):
    17 is measured for I3D, other networks need their own; 0 for no limit."""

    @property
    def window_plan(self) -> WindowPlan:
        """Length, stride and greatest number of the windows."""
        return WindowPlan(self.fps, self.window_length, self.window_stride, self.max_windows)

    @model_validator(mode="after")
    def _file_where_needed(self) -> Self:
        needed = self.network != "i3d"
        if (self.network_file is not None, self.network_sha256 is not None) != (needed, needed):
            what = "be given" if needed else "be null"
            raise ValueError(f"network_file and network_sha256 must {what} for {self.network}")
        return self
