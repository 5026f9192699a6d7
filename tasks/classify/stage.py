"""What is done in a video: two streams look at windows of it, one at pictures and one at motion, and are fused late.

Simonyan and Zisserman, "Two-Stream Convolutional Networks for Action Recognition in Videos" (NIPS 2014): appearance and
motion are judged apart, so that a motion is known as a motion and not by its scenery. Where a team has trained its own
labels, both streams share them and a fused row stands beside theirs. Without, appearance is judged in the words of
Kinetics-400 and motion in those of the model that ships with semflow; words that differ cannot be fused.
"""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from tasks.artifacts.action_model import ActionModel
from tasks.artifacts.actions import Actions
from tasks.artifacts.dense_flow import DenseFlow
from tasks.artifacts.frames import Frames
from tasks.artifacts.tracks import Tracks
from tasks.params import Compute, Params
from tasks.stage import stage
from tasks.streams.window_plan import WindowPlan


class ClassifyParams(Params):
    """How a video is cut into windows, who is looked at, and from when on a label is believed."""

    network: Literal["i3d", "r3d_18", "r2plus1d_18"]
    """Network of the rgb stream where there is no team's model; the last two need their file."""
    network_file: str | None
    """torchvision's weights of r3d_18 or r2plus1d_18; null for i3d, whose weights are fetched."""
    network_sha256: str | None = Field(pattern="^[0-9a-f]{64}$")
    """SHA-256 that the file must have: it makes the file a part of the recipe; null for i3d."""
    fps: float = Field(gt=0, le=1000)
    """Pictures per second of a clip: 25 for I3D, 15 for the others; a slower video shows pictures twice."""
    window: int = Field(ge=8, le=1024)
    """Pictures per clip: 64 for I3D, 16 for the others. Half of I3D's costs half, and some certainty."""
    stride: int = Field(ge=1)
    """Pictures from one window to the next; no window spans a cut, and the last of each shot ends with it."""
    max_windows: int = Field(ge=1)
    """Windows per video at most; a long video is looked at in as many places, spread evenly."""
    people: int = Field(ge=0)
    """Tracked people who are looked at one by one, those present longest; 0 looks at the whole frame alone."""
    people_rgb: bool
    """Whether Kinetics-400 too is asked about each of them: every person then costs as much as the whole frame."""
    flow_stacks: int = Field(ge=1)
    """Looks of the flow stream per window, of .4 s each, spread evenly; their probabilities are averaged."""
    min_probability: float = Field(ge=0, le=1)
    """From here on a first label is confident; below it there is no confident label."""

    @property
    def clips(self) -> WindowPlan:
        """How the video is cut."""
        return WindowPlan(self.fps, self.window, self.stride, self.max_windows)

    @model_validator(mode="after")
    def _file_where_needed(self) -> Self:
        needed = self.network != "i3d"
        if (self.network_file is not None, self.network_sha256 is not None) != (needed, needed):
            what = "be given" if needed else "be null"
            raise ValueError(f"network_file and network_sha256 must {what} for {self.network}")
        return self


# MobileNetV2 is what a team's light spatial head reads.
@stage(
    libraries=("numpy", "opencv-python", "pyarrow", "scipy", "torch", "torchvision"),
    weights=lambda params: ("i3d-kinetics-400", "mobilenet-v2") if params.network == "i3d" else ("mobilenet-v2",),
    accelerator=True,
    kernels=("torch", "cuda"),
)
def classify(
    frames: Frames,
    dense_flow: DenseFlow,
    tracks: Tracks,
    action_model: ActionModel,
    *,
    params: ClassifyParams,
    compute: Compute,
) -> Actions:
    """Five labels for every window, stream and subject; no rows where no frame is whole."""
    from tasks.classify.appearance import looks_at_pictures
    from tasks.classify.fuse import both_streams
    from tasks.classify.motion import looks_at_motion
    from tasks.classify.people import longest_present
    from tasks.classify.rows import table
    from tasks.classify.viewing import Viewing
    from tasks.device import resolve_device
    from tasks.streams.clips import windows

    viewing = Viewing(
        frames=frames,
        dense_flow=dense_flow,
        windows=windows(frames.pts_s, frames.ok, dense_flow.cut, params.clips),
        people=longest_present(tracks, params.people),
        model=action_model,
        params=params,
        device=resolve_device(compute.device),
    )
    alone = [*looks_at_pictures(viewing), *looks_at_motion(viewing)]
    return table(viewing, [*alone, *both_streams(alone, action_model.fusion)])
