"""Parameters of the stage `estimate_pose`: the section `estimate_pose` of params.yaml."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from tasks.artifacts.poses import KEYPOINT_COUNT
from tasks.params import Params


class EstimatePoseParams(Params):
    """Who gets a pose, how it is smoothed, and what counts as a step."""

    weights: Literal["yolo11n-pose"]
    """Model."""
    image_size: int = Field(ge=32, le=4096, multiple_of=32)
    """Longer side of the whole frame as the model sees it, pixels."""
    crop_height: int = Field(ge=32, le=4096, multiple_of=32)
    """Height of the window around one person as the model sees it, pixels; the person fills four fifths of it."""
    crop_below: float = Field(ge=0)
    """People lower than this in the whole frame as the model sees it, in pixels, get a window; 0: only missed ones."""
    score_threshold: float = Field(gt=0, lt=1)
    """Skeletons scored lower are left out."""
    nms_iou: float = Field(gt=0, le=1)
    """Overlap of boxes above which the weaker of two skeletons is dropped as the same person seen twice."""
    affinity: float = Field(gt=0, lt=1)
    """Least affinity of a skeleton and a track: overlap of boxes times the share of keypoints in the track's box."""
    keypoint_score: float = Field(ge=0, lt=1)
    """Score from which a keypoint is trusted; others are kept as seen, but neither smoothed nor measured with."""
    min_keypoints: int = Field(ge=1, le=KEYPOINT_COUNT)
    """Trusted keypoints that make a pose; a skeleton with fewer gives no row."""
    smoothing: Literal["kalman", "none"]
    """kalman: forth and back over the whole track, no delay; none: trusted keypoints as seen."""
    cutoff_hz: float = Field(gt=0)
    """Motion at this frequency is halved, slower kept, faster lost: 6 Hz for gait (Winter, 2009), more for dance."""
    bridge_s: float = Field(ge=0)
    """Gaps up to this long are bridged, seconds."""
    min_steps: int = Field(ge=2)
    """Steps in a row that make a walk."""
