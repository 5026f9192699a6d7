"""Images to grids of feature vectors: the network's input size, where its cells lie, and the network itself."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.arrays import Image
from tasks.extract_features.params import FINEST_STRIDE, ExtractFeaturesParams
from tasks.geometry.cell_grid import CellGrid, l2_normalize
from tasks.geometry.wccn_projection import LinearProjection
from tasks.params import Compute


def compute_input_size(height: int, width: int, side: int) -> tuple[int, int]:
    """Height and width of what the network sees: the longer side is `side`, both multiples of 8, at least one cell."""
    scale = side / max(height, width)
    rows, columns = (
        max(FINEST_STRIDE, round(length * scale / FINEST_STRIDE) * FINEST_STRIDE) for length in (height, width)
    )
    return rows, columns


def make_cell_grid(height: int, width: int, seen_height: int, seen_width: int) -> CellGrid:
    """Where the cells lie on a frame that the network sees at another size."""
    step_x, step_y = FINEST_STRIDE * width / seen_width, FINEST_STRIDE * height / seen_height
    # A cell's centre is a network pixel's centre, half a network pixel from its edge.
    left, top = 0.5 * width / seen_width - 0.5, 0.5 * height / seen_height - 0.5
    return CellGrid(seen_height // FINEST_STRIDE, seen_width // FINEST_STRIDE, step_x, step_y, left, top)


class FeatureExtractor:
    """Images to grids of vectors, with what is loaded once."""

    def __init__(self, params: ExtractFeaturesParams, device: str, projection: LinearProjection | None) -> None:
        from tasks.extract_features.backbone_inference import load_backbone_runner

        self.side = params.image_side
        self._run = load_backbone_runner(params.network, params.layers, device)
        self._projection = projection
        self.batched = device != "cpu"

    def __call__(self, images: list[Image]) -> list[NDArray[np.float16]]:
        """(h, w, d) float16 of each image; all must have one size."""
        import cv2

        from tasks.extract_features.hypercolumns import join_layers

        tall, wide = images[0].shape[:2]
        height, width = compute_input_size(tall, wide, self.side)
        how = cv2.INTER_AREA if height < tall else cv2.INTER_LINEAR
        seen: list[Any] = [cv2.resize(image, (width, height), interpolation=how) for image in images]
        grids = [join_layers(layers) for layers in self._run(seen)]
        if self._projection is not None:
            grids = [l2_normalize(self._projection.apply(grid)) for grid in grids]
        return [grid.astype(np.float16) for grid in grids]


def open_feature_extractor(
    params: ExtractFeaturesParams, compute: Compute, projection: LinearProjection | None
) -> FeatureExtractor:
    """The network behind `params`, on the device that `compute` names."""
    from tasks.device import resolve_device

    return FeatureExtractor(params, resolve_device(compute.device), projection)


def count_channels(params: ExtractFeaturesParams) -> int:
    """Channels of all layers together."""
    from tasks.extract_features.backbone import load_backbone

    sizes = {conv.name: len(conv.weight) for conv in load_backbone(params.network).convs}
    return sum(sizes[layer] for layer in params.layers)
