"""Parameters of the stage `train`: the section `train` of params.yaml."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from tasks.params import Params


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
