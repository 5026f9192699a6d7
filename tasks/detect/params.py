"""Parameters of the stage `detect`: the section `detect` of params.yaml."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from tasks.params import Params

HEAD_LIMIT = 300  # boxes that YOLO26's head gives per image


class DetectParams(Params):
    """How objects are detected, and which are kept."""

    weights: Literal["yolo26n", "yolo11n"]
    """Model: yolo26n, or yolo11n (older, a little weaker)."""
    image_size: int = Field(ge=32, le=4096, multiple_of=32)
    """Longer side of the model's input, pixels; frames are scaled to it, up or down."""
    score_threshold: float = Field(gt=0, lt=1)
    """Minimum score; keep it low, as the tracker has thresholds of its own and uses weak detections to bridge gaps."""
    classes: tuple[str, ...] | None = Field(min_length=1)
    """Names of the classes to keep (person, car, ...); null keeps all."""
    max_detections: int = Field(gt=0, le=HEAD_LIMIT)
    """Maximum number of objects per frame, best scores first."""
    nms_iou: float = Field(gt=0, le=1)
    """Overlap above which yolo11n drops the weaker of two boxes of a class; yolo26n needs no NMS."""
