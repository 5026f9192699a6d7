"""YOLOX-tiny, which finds people and nothing else, in onnxruntime on the CPU: a detector without the AGPL.

YOLOX (Ge et al., 2021), trained by MMPose's authors on COCO's and HumanArt's people (Jiang et al., 2023), Apache-2.0.
Its ONNX file has an input of 416 x 416 pixels and non-maximum suppression inside. As in its configuration, images are
BGR from 0 to 255, and the border is grey.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tasks.onnx_session import open_onnx_session
from tasks.yolo.onnx_metadata import pad_to_size
from tasks.yolo.yolo_types import Yolo

INPUT_SIDE = 416  # pixels


def load_yolox_onnx(path: Path, threads: int | None = None) -> Yolo:
    """The model of an ONNX file; its results do not depend on `threads` (default: count_threads)."""
    session = open_onnx_session(path, threads)

    def find(image: NDArray[np.uint8]) -> NDArray[np.float32]:
        bgr = pad_to_size(image[None], (INPUT_SIDE, INPUT_SIDE))[..., ::-1]
        tensor = np.ascontiguousarray(bgr.transpose(0, 3, 1, 2), np.float32)
        boxes, labels = session.run(["dets", "labels"], {"input": tensor})
        return np.concatenate([boxes[0], labels[0, :, None].astype(np.float32)], axis=1)

    def forward(images: NDArray[np.uint8]) -> NDArray[np.float32]:
        found = [find(image) for image in images]
        rows = np.zeros((len(found), max(map(len, found)), 6), np.float32)  # those that are missing have score 0
        for row, boxes in zip(rows, found, strict=True):
            row[: len(boxes)] = boxes
        return rows

    return Yolo(("person",), one_to_one=True, task="detect", batched=False, forward=forward, input_limit=INPUT_SIDE)
