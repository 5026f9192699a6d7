"""Parameters of the stage `detect`: the section `detect` of params.yaml."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import Field, field_validator

from tasks.device_class import Kernels
from tasks.params import Params
from tasks.weights.user_weights import UserWeights

NAMES = ("yolo26n", "yolo11n", "yolox-tiny")
HEAD_LIMIT = 300  # boxes that YOLO26's head gives per image


class DetectorFile(Params):
    """A detector of your own: a checkpoint of ultralytics (`.pt`) or an ONNX file that it exported."""

    path: str = Field(pattern=r"\.(pt|onnx)$")
    """The file. Class names are read from its metadata; an ONNX file computes on the CPU."""
    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    """SHA-256 that the file must have (`sha256sum FILE`): a `.pt` file can run code, and it is part of the recipe."""


class DetectParams(Params):
    """How objects are detected, and which are kept."""

    weights: Literal["yolo26n", "yolo11n", "yolox-tiny"] | DetectorFile
    """Model: yolo26n; yolo11n (older, a little weaker); yolox-tiny (Apache-2.0, people only, input of at most 416
    pixels); or a file of your own."""
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

    @field_validator("weights", mode="before")
    @classmethod
    def _name_or_file(cls, weights: Any) -> Any:
        keys = set(DetectorFile.model_fields)
        if (
            isinstance(weights, DetectorFile)
            or weights in NAMES
            or (isinstance(weights, dict) and weights.keys() == keys)
        ):
            return weights
        raise ValueError(f"must be {', '.join(NAMES)}, or a file with path and sha256")

    @property
    def model(self) -> str | UserWeights:
        """The weights by name, or the file."""
        if isinstance(self.weights, str):
            return self.weights
        return UserWeights("detect.weights", Path(self.weights.path), self.weights.sha256)

    @property
    def kernels(self) -> tuple[Kernels, ...]:
        """What the model computes with; an ONNX file stays on the CPU."""
        of_onnx = isinstance(self.weights, DetectorFile) and self.weights.path.endswith(".onnx")
        return ("onnxruntime",) if of_onnx or self.weights == "yolox-tiny" else ("onnxruntime", "cuda")
