"""Images to grids of feature vectors: the network's input size, where its cells lie, and the network itself."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.arrays import Image
from tasks.extract_features.params import STRIDE, ExtractFeaturesParams
from tasks.geometry.grid import CellGrid, unit
from tasks.geometry.projection import Projection
from tasks.params import Compute


def input_size(height: int, width: int, side: int) -> tuple[int, int]:
    """Height and width of what the network sees: the longer side is `side`, both multiples of 8, at least one cell."""
    scale = side / max(height, width)
    rows, columns = (max(STRIDE, round(length * scale / STRIDE) * STRIDE) for length in (height, width))
    return rows, columns


def cell_grid(height: int, width: int, seen_height: int, seen_width: int) -> CellGrid:
    """Where the cells lie on a frame that the network sees at another size."""
    step_x, step_y = STRIDE * width / seen_width, STRIDE * height / seen_height
    # A cell's centre is a network pixel's centre, half a network pixel from its edge.
    left, top = 0.5 * width / seen_width - 0.5, 0.5 * height / seen_height - 0.5
    return CellGrid(seen_height // STRIDE, seen_width // STRIDE, step_x, step_y, left, top)


class Viewer:
    """Images to grids of vectors, with what is loaded once."""

    def __init__(self, params: ExtractFeaturesParams, device: str, projection: Projection | None) -> None:
        from tasks.extract_features.network import load_network

        self.side = params.image_side
        self._run = load_network(params.network, params.layers, device)
        self._projection = projection
        self.batched = device != "cpu"

    def __call__(self, images: list[Image]) -> list[NDArray[np.float16]]:
        """(h, w, d) float16 of each image; all must have one size."""
        import cv2

        from tasks.extract_features.join import joined

        tall, wide = images[0].shape[:2]
        height, width = input_size(tall, wide, self.side)
        how = cv2.INTER_AREA if height < tall else cv2.INTER_LINEAR
        seen: list[Any] = [cv2.resize(image, (width, height), interpolation=how) for image in images]
        grids = [joined(layers) for layers in self._run(seen)]
        if self._projection is not None:
            grids = [unit(self._projection.apply(grid)) for grid in grids]
        return [grid.astype(np.float16) for grid in grids]


def viewer(params: ExtractFeaturesParams, compute: Compute, projection: Projection | None) -> Viewer:
    """The network behind `params`, on the device that `compute` names."""
    from tasks.device import resolve_device

    return Viewer(params, resolve_device(compute.device), projection)


def channel_count(params: ExtractFeaturesParams) -> int:
    """Channels of all layers together."""
    from tasks.extract_features.backbone import backbone

    sizes = {conv.name: len(conv.weight) for conv in backbone(params.network).convs}
    return sum(sizes[layer] for layer in params.layers)
