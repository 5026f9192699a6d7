"""Parameters of the stage `train`: the section `train` of params.yaml."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

from pydantic import Field

from tasks.params import Params


class TrainParams(Params):
    """Which streams are trained, on which parts of the videos, and how they are evaluated."""

    RENAMED: ClassVar[Mapping[str, str]] = {
        "clips": "clips_per_segment",
        "stacks": "flow_stacks_per_segment",
        "held_out": "held_out_share",
        "ridge": "ridge_penalty",
        "flip": "random_mirror",
        "batch": "batch_size",
    }

    region: Literal["person", "frame"]
    """person: a square around the person that a label names, or that is tracked longest; frame: its central square."""
    background_label: str | None = Field(min_length=1)
    """Name of one more label for unlabelled stretches of the labelled videos, such as "none of these"; null for none.
    Only where everything that shows one of your labels is labelled."""
    spatial: Literal["i3d", "mobilenet-v2", "none"]
    """Features of the spatial head: I3D's of clips, MobileNetV2's of single frames (cheap); or no head."""
    temporal: Literal["head", "full", "none"]
    """head: a head on the pretrained network's features of stacks forwards and backwards; full: fine-tune that network
    on stacks forwards (hours without CUDA)."""
    clips_per_segment: int = Field(ge=1)
    """Greatest number of clips of 64 frames per row of the labels; I3D takes some seconds per clip on a CPU."""
    flow_stacks_per_segment: int = Field(ge=1)
    """Greatest number of stacks of ten flow fields per row of the labels, evenly spread (TSN)."""
    held_out_share: float = Field(ge=0, lt=1)
    """Share of each label's videos held out for evaluation, unless the labels have a column split."""
    fusion: Literal["average", "weighted", "learned"]
    """The streams' weights: equal, by `spatial_share`, or of greatest likelihood on folds of the training videos, which
    calibrate each stream too (temperature scaling)."""
    spatial_share: float = Field(ge=0, le=1)
    """weighted alone: weight of the spatial stream; the temporal one has the rest."""
    folds: int = Field(ge=2)
    """Cross-validation folds of the training videos, for `fusion: learned` and for the heads of `temporal: head`."""
    ridge_penalty: float = Field(gt=0)
    """L2 penalty on the heads' weights: larger for few labels, smaller for many."""
    random_mirror: bool
    """full alone: whether stacks are mirrored at random; false where labels differ in left and right."""
    epochs: int = Field(ge=1)
    """full alone: passes over all stacks."""
    learning_rate: float = Field(gt=0, le=1)
    """full alone: at the start; it falls to 0 along a cosine."""
    batch_size: int = Field(ge=2)
    """full alone: stacks per optimiser step."""
    seed: int = Field(ge=0)
    """Of all random choices: held-out videos, folds, order, augmentation."""

    @property
    def networks(self) -> tuple[str, ...]:
        """Names of the published weights that these parameters need."""
        return {"i3d": ("i3d-kinetics-400",), "mobilenet-v2": ("mobilenet-v2",), "none": ()}[self.spatial]
