"""Training of the two streams on a team's own labels: `data/labels/actions.csv` in, weights and metrics out.

Frozen networks look at every labelled stretch, and linear heads learn from what they saw: minutes on a CPU for some
hundred labels. With `temporal: full` the whole motion network learns, for which CUDA is advisable. A share of the
videos is held out; accuracy and confusion on them lie in the model, and the report shows them. Without labels the
result is the model that ships with semflow, at once.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Literal

from pydantic import Field

from tasks.artifacts.action_labels import ActionLabels
from tasks.artifacts.action_model import ActionModel
from tasks.artifacts.artifact import Dataset, Source
from tasks.artifacts.dense_flow import DenseFlow
from tasks.artifacts.frames import Frames
from tasks.artifacts.tracks import Tracks
from tasks.params import Compute, Params
from tasks.stage import stage


class TrainParams(Params):
    """What is trained, on what of the videos, and how it is measured."""

    region: Literal["person", "frame"]
    """person: a square around the person whom a label names, or who is there longest; frame: its middle square."""
    spatial: Literal["i3d", "mobilenet-v2", "none"]
    """What the head on appearance reads: I3D's features of clips, MobileNetV2's of pictures (cheap); or no head."""
    temporal: Literal["head", "full", "none"]
    """head: on the features of the network that ships with semflow; full: train that network (hours without CUDA)."""
    clips: int = Field(ge=1)
    """Most clips of 64 pictures per label; the I3D features of one take some seconds on a CPU."""
    stacks: int = Field(ge=1)
    """Most stacks of ten flow fields per label, spread over equal segments of it (TSN)."""
    held_out: float = Field(ge=0, lt=1)
    """Share of each label's videos that nothing is learned from, unless the labels' own split says which."""
    fusion: Literal["average", "weighted", "learned"]
    """The streams' weights: equal, those of `spatial_share`, or the likeliest ones on folds of the training videos."""
    spatial_share: float = Field(ge=0, le=1)
    """weighted alone: weight of the spatial stream; the temporal one has the rest."""
    folds: int = Field(ge=2)
    """learned alone: parts of the training videos, each of which is judged by streams trained on the others."""
    ridge: float = Field(gt=0)
    """Penalty on the heads' weights: more of it for few labels, less for many."""
    flip: bool
    """full alone: whether stacks are mirrored at random; false where labels tell left from right."""
    epochs: int = Field(ge=1)
    """full alone: times that every stack is seen."""
    learning_rate: float = Field(gt=0, le=1)
    """full alone: at the start; it falls to nothing along a cosine."""
    batch: int = Field(ge=2)
    """full alone: stacks per step."""
    seed: int = Field(ge=0)
    """Of everything that is drawn: held-out videos, folds, order."""

    @property
    def networks(self) -> tuple[str, ...]:
        """Names of the published weights that these parameters ask for."""
        return {"i3d": ("i3d-kinetics-400",), "mobilenet-v2": ("mobilenet-v2",), "none": ()}[self.spatial]


def labelled(params: TrainParams, sources: Mapping[str, Source]) -> Collection[str]:
    """The videos that the labels name: others may come and go without a new training."""
    del params
    labels = sources["action_labels"]
    assert isinstance(labels, ActionLabels)
    return labels.videos


@stage(
    libraries=("numpy", "opencv-python", "pyarrow", "scipy", "torch"),
    weights=lambda params: params.networks,
    accelerator=True,
    among=labelled,
    kernels=("torch", "cuda"),
)
def train(
    frames: Dataset[Frames], dense_flow: Dataset[DenseFlow], tracks: Dataset[Tracks], action_labels: ActionLabels,
    *, params: TrainParams, compute: Compute,
) -> ActionModel:  # fmt: skip
    """The model of the team's labels, or the shipped one where there are none; BadInput where labels fit no video."""
    if not action_labels.given:
        from tasks.train.shipped import shipped_model

        return shipped_model()
    from tasks.device import resolve_device
    from tasks.train.looks import Means
    from tasks.train.shipped import shipped_temporal
    from tasks.train.stretch import Footage
    from tasks.train.study import study

    means = Means(params, shipped_temporal(), resolve_device(compute.device))
    return study(Footage(frames, dense_flow, tracks), action_labels, means)
