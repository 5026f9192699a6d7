"""A YOLO model ready to run: onnxruntime on a CPU, torch in half precision on CUDA."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from tasks.onnx_session import open_onnx_session
from tasks.runtime import load_once
from tasks.weights.user_weights import UserWeights, locate_weights
from tasks.yolo.anchor_padding import pad_to_min_anchors
from tasks.yolo.onnx_export import onnx_path
from tasks.yolo.onnx_metadata import OnnxMetadata, pad_to_size
from tasks.yolo.ultralytics_import import import_ultralytics
from tasks.yolo.yolo_types import Yolo
from tasks.yolo.yolox_model import load_yolox_onnx

ONNX_SUFFIX = ".onnx"
YOLOX = "yolox-tiny"


@load_once
def load_yolo(weights: str | UserWeights, device: str) -> Yolo:
    """The model `weights` on `device` (`cpu` or `cuda:N`), loaded once per process; an ONNX file always on the CPU."""
    if weights == YOLOX:
        return load_yolox_onnx(locate_weights(weights))
    if isinstance(weights, UserWeights) and weights.path.suffix == ONNX_SUFFIX:
        return load_yolo_onnx(weights.verify())
    return load_yolo_onnx(onnx_path(weights)) if device == "cpu" else load_yolo_torch(locate_weights(weights), device)


def load_yolo_onnx(path: Path, threads: int | None = None) -> Yolo:
    """An exported model in onnxruntime; its results do not depend on `threads` (default: count_threads)."""
    session = open_onnx_session(path, threads)
    about = OnnxMetadata.read(session, path.name)
    entry: str = session.get_inputs()[0].name

    def forward(images: NDArray[np.uint8]) -> NDArray[np.float32]:
        images = pad_to_min_anchors(images) if about.one_to_one else images
        images = pad_to_size(images, about.size) if about.size else images
        tensor = np.ascontiguousarray(images.transpose(0, 3, 1, 2), np.float32) / np.float32(255)
        return cast("NDArray[np.float32]", session.run(None, {entry: tensor})[0])

    return Yolo(about.names, about.one_to_one, about.task, batched=False, forward=forward)


def load_yolo_torch(path: Path, device: str) -> Yolo:
    """A verified `.pt` file in torch on `device`: backbone in half precision, head in single precision.

    The head decodes boxes, and half precision resolves only half a pixel beyond x = 512.
    """
    import torch

    import_ultralytics()
    from ultralytics.nn.tasks import load_checkpoint

    model: Any = load_checkpoint(path, device="cpu")[0]
    head = model.model[-1]
    head.end2end = hasattr(head, "one2one_cv2")
    model = model.fuse(verbose=False).eval().half().to(device)
    head.float()
    head.register_forward_pre_hook(lambda _, inputs: ([x.float() for x in inputs[0]], *inputs[1:]))

    @torch.inference_mode()
    def forward(images: NDArray[np.uint8]) -> NDArray[np.float32]:
        tensor = torch.from_numpy(images).to(device).permute(0, 3, 1, 2).half() / 255
        return cast("NDArray[np.float32]", model(tensor)[0].float().cpu().numpy())

    return Yolo(tuple(model.names.values()), bool(head.end2end), str(model.task), batched=True, forward=forward)
