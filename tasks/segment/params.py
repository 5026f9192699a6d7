"""Parameters of the stage `segment`: the section `segment` of params.yaml."""

from __future__ import annotations

from pydantic import Field

from tasks.params import Params


class SegmentParams(Params):
    """Whether detected objects get masks, and how."""

    masks: bool
    """Whether masks are computed; without, the artifact has no rows."""
    image_size: int = Field(ge=32, le=4096, multiple_of=32)
    """Longer side of the model's input, pixels; frames are scaled to it, up or down."""
    score_threshold: float = Field(gt=0, lt=1)
    """Minimum score of a segmented object."""
    min_iou: float = Field(gt=0, le=1)
    """Minimum overlap of the boxes of a segmented and a detected object of one class, so that they count as one."""
