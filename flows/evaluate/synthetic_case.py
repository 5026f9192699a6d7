"""Input of all methods of `semflow eval field`: frames, flow, features and few labels of a synthetic scene.

Flow between neighbours is the ground truth with noise, or DIS; between frames farther apart it is always DIS, which all
methods share. A method returns the label of every pixel of every frame.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.arrays import FlowField, Image, LabelMap, Mask
from tasks.estimate_flow.opencv_flow import make_dis_estimator
from tasks.geometry.cell_grid import CellGrid, l2_normalize
from tasks.geometry.forward_backward import find_consistent_pixels
from tasks.synthetic.scene import scene_artifacts
from tasks.synthetic.scene.scene_layers import CLASS_NAMES
from tasks.synthetic.scene.synthetic_scene import Scene


@dataclass(frozen=True, eq=False)
class SyntheticCase:
    """Input of a method, without the ground truth."""

    images: NDArray[np.uint8]
    """(t, h, w, 3) RGB."""
    neighbours: list[tuple[FlowField, Mask, FlowField, Mask]]
    """Pair (i, i + 1): forward flow and validity on frame i, backward flow and validity on i + 1."""
    grids: NDArray[np.float32]
    """(t, rows, columns, d) unit vectors."""
    cells: CellGrid
    labels: Mapping[int, LabelMap]
    """Labelled frame to its (h, w) classes."""
    class_count: int
    direct: Callable[[int, int], tuple[FlowField, Mask]] = field(repr=False)
    """Flow from a frame to any other, and its validity mask."""

    def __len__(self) -> int:
        return len(self.images)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return self.images.shape[1], self.images.shape[2]

    def nearest_labelled(self, frame: int) -> int:
        """The labelled frame nearest in time; the earlier of two."""
        return min(self.labels, key=lambda labelled: (abs(labelled - frame), labelled))

    def neighbour_flow(self, frame: int, towards: int) -> tuple[FlowField, Mask]:
        """Flow and validity from `frame` to its neighbour in the direction of frame `towards`."""
        forward, valid, *_ = self.neighbours[min(frame, len(self.neighbours) - 1)]
        if towards > frame:
            return forward, valid
        *_, backward, valid_backward = self.neighbours[frame - 1]
        return backward, valid_backward


def make_case(scene: Scene, labelled: int, noise_px: float | None) -> SyntheticCase:
    """`scene` with `labelled` labelled frames, and flow with noise of `noise_px` pixels, or DIS flow where None."""
    images: NDArray[np.uint8] = scene.frames
    grids, cells = scene_artifacts.make_feature_grids(scene)
    chosen = scene_artifacts.select_labelled_frames(labelled, len(scene))
    estimated = _make_dis_estimator(images)

    def neighbour(first: int) -> tuple[FlowField, Mask, FlowField, Mask]:
        if noise_px is None:
            return *estimated(first, first + 1), *estimated(first + 1, first)
        pair = scene_artifacts.make_flow_pair(scene, first, noise_px)
        return pair.forward, pair.valid, pair.backward, pair.valid_backward

    return SyntheticCase(
        images=images,
        neighbours=[neighbour(first) for first in range(len(scene) - 1)],
        grids=l2_normalize(grids),
        cells=cells,
        labels={frame: scene.classes[frame] for frame in chosen},
        class_count=len(CLASS_NAMES),
        direct=estimated,
    )


def _make_dis_estimator(images: NDArray[np.uint8]) -> Callable[[int, int], tuple[FlowField, Mask]]:
    """DIS flow between any two of the images, as in the pipeline, with the forward-backward check."""
    estimate = make_dis_estimator("medium")

    @cache
    def both(low: int, high: int) -> tuple[FlowField, FlowField]:
        pair: list[Image] = [images[low], images[high]]
        return next(iter(estimate(pair)))

    def flow(a: int, b: int) -> tuple[FlowField, Mask]:
        forward, backward = both(min(a, b), max(a, b))
        there, back = (forward, backward) if a < b else (backward, forward)
        return there, find_consistent_pixels(there, back)

    return flow


def upsample_to_pixels(cells: CellGrid, values: NDArray[np.float32], height: int, width: int) -> NDArray[np.float32]:
    """(height, width, d) a grid's (rows, columns, d) values at every pixel, bilinear, replicated beyond its border."""
    x = ((np.arange(width) - cells.left) / cells.step_x).astype(np.float32)
    y = ((np.arange(height) - cells.top) / cells.step_y).astype(np.float32)
    columns, rows = np.meshgrid(x, y)
    # OpenCV remaps at most four channels at once.
    parts: list[Any] = [
        cv2.remap(values[..., n : n + 4], columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        for n in range(0, values.shape[-1], 4)
    ]
    return np.concatenate([part.reshape(height, width, -1) for part in parts], axis=-1)


def pool_class_shares(cells: CellGrid, labels: LabelMap, class_count: int) -> NDArray[np.float32]:
    """(rows, columns, classes) share of each class in the pixels of each cell."""
    height, width = labels.shape
    left, top = cells.left - (cells.step_x - 1) / 2, cells.top - (cells.step_y - 1) / 2
    x = np.floor((np.arange(width) - left + 0.5) / cells.step_x).astype(int).clip(0, cells.columns - 1)
    y = np.floor((np.arange(height) - top + 0.5) / cells.step_y).astype(int).clip(0, cells.rows - 1)
    counts = np.zeros((cells.rows, cells.columns, class_count), np.float32)
    np.add.at(counts, (y[:, None], x[None], labels), 1)
    return counts / counts.sum(axis=-1, keepdims=True)
