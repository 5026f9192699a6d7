"""What an ONNX export of ultralytics says of itself, and the input size that it takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.errors import BadParams
from tasks.geometry.letterbox import PADDING_GREY
from tasks.syntax import parse_literal


@dataclass(frozen=True)
class OnnxMetadata:
    """Metadata of an exported model."""

    names: tuple[str, ...]
    """Class names by class number."""
    task: str
    """detect, segment, pose, ..."""
    one_to_one: bool
    """Whether its predictions are final: by a head that needs no non-maximum suppression, or with one inside."""
    size: tuple[int, int] | None
    """Height and width of the input where these are fixed."""

    @classmethod
    def read(cls, session: Any, name: str) -> OnnxMetadata:
        """Metadata of an onnxruntime session of the file `name`; BadParams where ultralytics did not write it."""
        about = session.get_modelmeta().custom_metadata_map
        try:
            names: dict[int, str] = parse_literal(about["names"])
            arguments: dict[str, Any] = parse_literal(about.get("args", "{}"))
            labels = tuple(str(names[number]) for number in range(len(names)))
        except (KeyError, ValueError, SyntaxError, TypeError):
            raise BadParams(
                f"{name} must be an ONNX export of ultralytics with class names in its metadata, got one without; "
                "export it with `yolo export model=FILE.pt format=onnx dynamic=True`"
            ) from None
        height, width = session.get_inputs()[0].shape[2:]
        return cls(
            names=labels,
            task=about.get("task", "detect"),
            one_to_one=about.get("end2end") == "True" or bool(arguments.get("nms", False)),
            size=(height, width) if isinstance(height, int) and isinstance(width, int) else None,
        )


def pad_to_size(images: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """(n, h, w, 3) images padded with grey on the right and below to `size`; BadParams where they are larger.

    Predicted coordinates remain pixels of the images.
    """
    below, right = size[0] - images.shape[1], size[1] - images.shape[2]
    if min(below, right) < 0:
        raise BadParams(
            f"images must be at most {size[1]} x {size[0]} pixels, as the model's ONNX file has this input, got "
            f"{images.shape[2]} x {images.shape[1]}; lower image_size, or export the model with dynamic=True"
        )
    padding: Any = ((0, 0), (0, below), (0, right), (0, 0))
    return np.pad(images, padding, constant_values=PADDING_GREY) if below or right else images
