"""Parameters of the stage `fit_field`: the section `fit_field` of params.yaml."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from tasks.device_class import Kernels
from tasks.params import Params


class FitFieldParams(Params):
    """Which frames get a map, how large, and where labels come from."""

    every: int = Field(ge=1)
    """Every so many frames get a map; labelled frames do too."""
    side: int = Field(ge=32, multiple_of=8)
    """Longer side of the maps, pixels; never larger than the frames."""
    labels: Literal["auto", "user", "tracks"]
    """user: `data/labels/<video>/` alone; tracks: what was tracked; auto: the user's where there are any."""
    value: Literal["class", "instance"]
    """What a value of a map from tracks means: a class, or one tracked thing."""
    values: int = Field(ge=1, le=32)
    """Values beside the background at most, those seen longest; whatever is more counts as unknown."""
    label_every: int = Field(ge=1)
    """Frames from one labelled by tracks to the next."""
    outline: Literal["masks", "boxes"]
    """How tracks become labels: by masks of YOLO26n-seg, or by boxes, of which the middle counts."""
    feed_masks: bool
    """Whether masks of YOLO26n-seg re-anchor every map; they know COCO's eighty classes only."""
    segment_side: int = Field(ge=32, le=4096, multiple_of=32)
    """Longer side of the image that the segmenter sees, pixels."""
    least_score: float = Field(ge=0, le=1)
    """Of masks and of tracked detections that become labels."""
    attention: bool
    """Kinds of evidence re-weighed by how well labelled frames foretell each other."""
    consistency: bool
    """Neighbouring maps drawn together along the flow."""
    window: int = Field(ge=8)
    """Maps that are fitted together at most: memory grows with it, and not with the video."""
    overlap: int = Field(ge=2)
    """Maps that two windows share, over which one fades into the other; a quarter of a window at most."""
    planes: int = Field(ge=1, le=16)
    """Of the volume that a window is fitted with, at most, the backdrop's among them; 1 leaves the volume out."""
    volume_steps: int = Field(ge=0)
    """Steps in which the volume is learned; with none it is as layers of dense flow have it."""
    camera: Literal["homography", "identity", "pinhole"]
    """How planes of a window's volume move: as the background does, not at all, or by `data/cameras/<video>.json`."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.overlap * 4 > self.window:
            raise ValueError(f"overlap must be a quarter of window ({self.window}) at most, got {self.overlap}")
        return self

    @property
    def segments(self) -> bool:
        """Whether the segmenter is needed."""
        return self.feed_masks or (self.labels != "user" and self.outline == "masks")

    @property
    def kernels(self) -> tuple[Kernels, ...]:
        """torch's where the volume is learned; what is merely read from it came out the same with all kernels."""
        segmenter: tuple[Kernels, ...] = ("onnxruntime",) if self.segments else ()
        return (*segmenter, *(("torch",) if self.planes > 1 and self.volume_steps else ()), "cuda")
