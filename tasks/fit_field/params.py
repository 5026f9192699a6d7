"""Parameters of the stage `fit_field`: the section `fit_field` of params.yaml, all that a user sets.

Weights and radii of label propagation are constants (`tasks/label_propagation/propagation_config.py`); of its switches,
`evidence_weights` and `consistency` are set here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from tasks.device_class import Kernels
from tasks.params import Params


class FitFieldParams(Params):
    """Which frames get a label map, at which size, where seed labels come from, and how they are propagated."""

    RENAMED: ClassVar[Mapping[str, str]] = {
        "every": "frame_stride",
        "side": "grid_side",
        "value": "value_kind",
        "values": "max_labels",
        "outline": "label_outline",
        "feed_masks": "use_instance_masks",
        "least_score": "min_score",
        "attention": "evidence_weights",
    }

    frame_stride: int = Field(ge=1)
    """Every n-th frame gets a label map; labelled frames always do."""
    grid_side: int = Field(ge=32, multiple_of=8)
    """Longer side of the label maps, pixels; never larger than the frames."""
    labels: Literal["auto", "user", "tracks"]
    """Source of seed labels: `data/labels/<video>/` (user), tracked objects (tracks), or the user's if any (auto)."""
    value_kind: Literal["class", "instance"]
    """What a value of a map from tracks means: a class, or one tracked object."""
    max_labels: int = Field(ge=1, le=32)
    """Maximum number of values beside the background; those with most detections are kept, the rest is unknown."""
    label_every: int = Field(ge=1)
    """Frames from one frame labelled by tracks to the next."""
    label_outline: Literal["masks", "boxes"]
    """How tracks become labels: masks of YOLO26n-seg, or an ellipse in the middle of each box."""
    use_instance_masks: bool
    """Whether instance masks of YOLO26n-seg refine every map; it knows the eighty classes of COCO only."""
    segment_side: int = Field(ge=32, le=4096, multiple_of=32)
    """Longer side of the input image of YOLO26n-seg, pixels."""
    min_score: float = Field(ge=0, le=1)
    """Minimum score of instance masks, and of tracked detections that become labels."""
    evidence_weights: bool
    """Whether kinds of evidence are weighted by leave-one-out prediction of the labelled frames."""
    consistency: bool
    """Whether label probabilities are smoothed over time along the flow."""
    window: int = Field(ge=8)
    """Maximum number of maps fitted together: memory grows with it, not with the length of the video."""
    overlap: int = Field(ge=2)
    """Maps shared by two neighbouring windows, over which they are cross-faded; at most a quarter of a window."""
    planes: int = Field(ge=1, le=16)
    """Maximum number of planes of a window's multiplane volume, the background's included; 1 leaves the volume out."""
    volume_steps: int = Field(ge=0)
    """Optimisation steps of the volume; with 0 it stays as initialised from motion layers of dense flow."""
    camera: Literal["homography", "identity", "pinhole"]
    """Motion of the volume's planes: that of the background, none, or poses from `data/cameras/<video>.json`."""

    @model_validator(mode="after")
    def _check_overlap(self) -> Self:
        if self.overlap * 4 > self.window:
            raise ValueError(f"overlap must be a quarter of window ({self.window}) at most, got {self.overlap}")
        return self

    @property
    def segments(self) -> bool:
        """Whether YOLO26n-seg is needed."""
        return self.use_instance_masks or (self.labels != "user" and self.label_outline == "masks")

    @property
    def kernels(self) -> tuple[Kernels, ...]:
        """Libraries whose kernels affect the bytes: torch where the volume is optimised, not where it is only read."""
        segmenter: tuple[Kernels, ...] = ("onnxruntime",) if self.segments else ()
        return (*segmenter, *(("torch",) if self.planes > 1 and self.volume_steps else ()), "cuda")
