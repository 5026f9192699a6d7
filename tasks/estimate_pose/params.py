"""Parameters of the stage `estimate_pose`: the section `estimate_pose` of params.yaml."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from tasks.artifacts.poses import KEYPOINT_COUNT
from tasks.params import Params


class EstimatePoseParams(Params):
    """Pose detection, assignment to tracks, smoothing, and gait."""

    weights: Literal["yolo11n-pose"]
    """Model."""
    image_size: int = Field(ge=32, le=4096, multiple_of=32)
    """Longer side of the whole frame as the model's input, pixels."""
    crop_height: int = Field(ge=32, le=4096, multiple_of=32)
    """Height of the crop around one person as the model's input, pixels; the person fills four fifths of it."""
    crop_below: float = Field(ge=0)
    """People lower than this in the model's input of the frame, pixels, are detected in crops; 0: only missed ones."""
    score_threshold: float = Field(gt=0, lt=1)
    """Skeletons of lower score are discarded."""
    nms_iou: float = Field(gt=0, le=1)
    """IoU of boxes above which the weaker of two skeletons is discarded (non-maximum suppression)."""
    affinity: float = Field(gt=0, lt=1)
    """Minimum affinity of a skeleton and a track: IoU of boxes times the share of keypoints in the track's box."""
    keypoint_score: float = Field(ge=0, lt=1)
    """Score from which a keypoint is trusted; others are stored, but used neither in smoothing nor in kinematics."""
    min_keypoints: int = Field(ge=1, le=KEYPOINT_COUNT)
    """Minimum number of trusted keypoints of a pose; a skeleton with fewer gives no row."""
    smoothing: Literal["kalman", "none"]
    """kalman: Kalman filter and smoother over the whole track, no delay; none: trusted keypoints as detected."""
    cutoff_hz: float = Field(gt=0)
    """Frequency at which motion is attenuated to a half: 6 Hz for gait (Winter, 2009), more for dance."""
    bridge_s: float = Field(ge=0)
    """Gaps up to this long are bridged, seconds."""
    min_steps: int = Field(ge=2)
    """Minimum number of consecutive steps of a walk."""
