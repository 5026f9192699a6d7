"""Parameters of the stage `detect`: the section `detect` of params.yaml."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from tasks.params import Params

HEAD_LIMIT = 300  # boxes that YOLO26's head gives per image


class DetectParams(Params):
    """What counts as an object."""

    weights: Literal["yolo26n", "yolo11n"]
    """Model: yolo26n, or yolo11n (older, a little weaker)."""
    image_size: int = Field(ge=32, le=4096, multiple_of=32)
    """Longer side of the image that the model sees, pixels; frames are scaled to it, up or down."""
    score_threshold: float = Field(gt=0, lt=1)
    """Objects scored lower are left out; the tracker has its own, higher bar and uses the weak ones to bridge gaps."""
    classes: tuple[str, ...] | None = Field(min_length=1)
    """Names of the classes to keep (person, car, ...); null keeps all."""
    max_detections: int = Field(gt=0, le=HEAD_LIMIT)
    """Objects per frame at most, the best ones."""
    nms_iou: float = Field(gt=0, le=1)
    """Overlap above which yolo11n drops the weaker of two boxes of a class; yolo26n needs no suppression."""
