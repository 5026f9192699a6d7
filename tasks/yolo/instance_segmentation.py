"""Instance segmentation of one image, by a YOLO segmenter in onnxruntime.

YOLO26n-seg (Ultralytics, 2026; after YOLACT, Bolya et al., 2019): each box comes with coefficients, and its mask is the
sum of the image's prototype masks with these weights, cropped to the box. Its one-to-one head needs no NMS. The classes
are COCO's eighty: objects of other classes may be missed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.arrays import Image
from tasks.geometry.letterbox import Letterbox
from tasks.onnx_session import open_onnx_session
from tasks.runtime import load_once
from tasks.syntax import parse_literal
from tasks.yolo.anchor_padding import pad_to_min_anchors
from tasks.yolo.onnx_export import onnx_path

BOX, BOX_COLUMNS = 4, 6  # columns of the box; of box, score and class, after which the coefficients follow


@dataclass(frozen=True)
class SegmentedInstances:
    """Instances found in one image, best score first."""

    xyxy: NDArray[np.float32]
    """(n, 4) left, top, right, bottom in pixels."""
    score: NDArray[np.float32]
    class_id: NDArray[np.int16]
    masks: NDArray[np.bool_]
    """(n, h, w) at the image's size; they may overlap."""

    def __len__(self) -> int:
        return len(self.score)

    def take(self, rows: NDArray[Any]) -> SegmentedInstances:
        """The instances at `rows`."""
        return SegmentedInstances(self.xyxy[rows], self.score[rows], self.class_id[rows], self.masks[rows])


@dataclass(frozen=True)
class Segmenter:
    """A loaded segmenter."""

    names: tuple[str, ...]
    """Class names by class number."""
    forward: Callable[[Image], tuple[NDArray[np.float32], NDArray[np.float32]]]
    """(h, w, 3) RGB, sides multiples of 32, to (k, 6 + p) rows x1, y1, x2, y2, score, class, coefficients, and
    (p, h / 4, w / 4) prototypes."""

    def __call__(self, image: Image, image_size: int, score_threshold: float) -> SegmentedInstances:
        """Instances of an (h, w, 3) RGB image, scaled to a longer side of `image_size` pixels for the model."""
        letterbox = Letterbox.fit(image.shape[0], image.shape[1], image_size)
        rows, prototypes = self.forward(letterbox.apply(image))
        rows = rows[rows[:, BOX] >= score_threshold]
        rows = rows[np.argsort(-rows[:, BOX], kind="stable")]
        xyxy = letterbox.to_source(rows[:, :BOX].reshape(-1, 2, 2)).reshape(-1, BOX)
        whole = (xyxy[:, :2] < xyxy[:, 2:]).all(axis=1)
        rows, xyxy = rows[whole], xyxy[whole]
        masks = assemble_masks(rows[:, BOX_COLUMNS:], prototypes, xyxy, letterbox)
        return SegmentedInstances(xyxy, rows[:, BOX], rows[:, BOX + 1].astype(np.int16), masks)


@load_once
def load_segmenter(weights: str = "yolo26n-seg") -> Segmenter:
    """The model `weights`, exported and loaded once per process; always on the CPU."""
    return open_segmenter(onnx_path(weights))


def open_segmenter(path: Path) -> Segmenter:
    """An exported model in onnxruntime; its results do not depend on the number of threads."""
    session = open_onnx_session(path)
    names: dict[int, str] = parse_literal(session.get_modelmeta().custom_metadata_map["names"])

    def forward(image: Image) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        tensor = np.ascontiguousarray(pad_to_min_anchors(image[None]).transpose(0, 3, 1, 2), np.float32) / np.float32(
            255
        )
        rows, prototypes = session.run(None, {"images": tensor})
        return rows[0], prototypes[0, :, : image.shape[0] // 4, : image.shape[1] // 4]

    return Segmenter(tuple(names.values()), forward)


def assemble_masks(
    coefficients: NDArray[np.float32],
    prototypes: NDArray[np.float32],
    xyxy: NDArray[np.float32],
    letterbox: Letterbox,
) -> NDArray[np.bool_]:
    """(n, h, w) masks at the source's size: where the weighted sum of prototypes is positive, in the (n, 4) boxes."""
    import cv2

    height, width = letterbox.source
    masks = np.zeros((len(xyxy), height, width), np.bool_)
    share = prototypes.shape[2] / letterbox.outer[1]  # prototypes lie on a coarser grid over the bordered image
    to_grid = share * letterbox.inner[1] / width, share * letterbox.inner[0] / height
    x = (np.arange(width, dtype=np.float32) + 0.5) * to_grid[0] + letterbox.left * share - 0.5
    y = (np.arange(height, dtype=np.float32) + 0.5) * to_grid[1] + letterbox.top * share - 0.5
    edges = np.concatenate([np.floor(xyxy[:, :2]), np.ceil(xyxy[:, 2:])], axis=1).astype(int)
    for mask, weights, (left, top, right, bottom) in zip(masks, coefficients, edges, strict=True):
        at_x, at_y = np.meshgrid(x[left:right], y[top:bottom])
        coarse = np.tensordot(weights, prototypes, axes=1).astype(np.float32)
        inside: Any = cv2.remap(coarse, at_x, at_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        mask[top:bottom, left:right] = inside > 0
    return masks
