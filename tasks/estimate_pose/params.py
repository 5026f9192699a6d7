"""Parameters of the stage `estimate_pose`: the section `estimate_pose` of params.yaml."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

from pydantic import Field

from tasks.artifacts.poses import COCO_KEYPOINTS
from tasks.device_class import Kernels
from tasks.params import Params

BACKEND_WEIGHTS: Mapping[str, str] = {"rtmpose": "rtmpose-s", "yolo": "yolo11n-pose"}


class EstimatePoseParams(Params):
    """Pose detection, assignment to tracks, smoothing, and gait."""

    RENAMED: ClassVar[Mapping[str, str]] = {"weights": "backend"}

    backend: Literal["rtmpose", "yolo"]
    """rtmpose: RTMPose-s, 26 keypoints with heels and toes, in the box of each track; yolo: YOLO11n-pose, COCO's 17,
    in the whole frame and in crops, assigned to tracks."""
    flip: bool
    """rtmpose: average with the prediction for the mirrored crop, at twice the time."""
    image_size: int = Field(ge=32, le=4096, multiple_of=32)
    """yolo: longer side of the whole frame as the model's input, pixels."""
    crop_height: int = Field(ge=32, le=4096, multiple_of=32)
    """yolo: height of the crop around one person as the model's input, pixels; the person fills four fifths of it."""
    crop_below: float = Field(ge=0)
    """yolo: people lower than this in the model's input, pixels, are detected in crops; 0: only missed ones."""
    score_threshold: float = Field(gt=0, lt=1)
    """yolo: skeletons of lower score are discarded."""
    nms_iou: float = Field(gt=0, le=1)
    """yolo: IoU of boxes above which the weaker of two skeletons is discarded (non-maximum suppression)."""
    affinity: float = Field(gt=0, lt=1)
    """yolo: minimum affinity of skeleton and track: IoU of boxes times the share of keypoints in the track's box."""
    keypoint_score: float = Field(ge=0, lt=1)
    """Score from which a keypoint is trusted; others are stored, but used neither in smoothing nor in kinematics.
    0.3 is usual with RTMPose, 0.5 with YOLO."""
    min_keypoints: int = Field(ge=1, le=len(COCO_KEYPOINTS))
    """Minimum number of trusted ones among COCO's 17 keypoints; a skeleton with fewer gives no row."""
    smoothing: Literal["kalman", "none"]
    """kalman: Kalman filter and smoother over the whole track, no delay; none: trusted keypoints as detected."""
    cutoff_hz: float = Field(gt=0)
    """Frequency at which motion is attenuated to a half: 6 Hz for gait (Winter, 2009), more for dance."""
    bridge_s: float = Field(ge=0)
    """Gaps up to this long are bridged, seconds."""
    min_steps: int = Field(ge=2)
    """Minimum number of consecutive steps of a walk."""

    @property
    def kernels(self) -> tuple[Kernels, ...]:
        """What the backend computes with; RTMPose stays on the CPU."""
        return ("onnxruntime",) if self.backend == "rtmpose" else ("onnxruntime", "cuda")
