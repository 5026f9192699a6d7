"""Feature extraction: images to grids of feature vectors, the network's input size, and the positions of the cells."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tasks.arrays import Image
from tasks.artifacts.features import FeatureMetadata
from tasks.artifacts.frames import Frames
from tasks.extract_features.params import FINEST_STRIDE, ExtractFeaturesParams
from tasks.geometry.cell_grid import CellGrid
from tasks.geometry.wccn_projection import LinearProjection
from tasks.params import Compute

if TYPE_CHECKING:
    from tasks.extract_features.backbone_inference import LayerActivations


def compute_input_size(height: int, width: int, side: int) -> tuple[int, int]:
    """Height and width of the network's input: the longer side is `side`, both multiples of 8, at least one cell."""
    scale = side / max(height, width)
    rows, columns = (
        max(FINEST_STRIDE, round(length * scale / FINEST_STRIDE) * FINEST_STRIDE) for length in (height, width)
    )
    return rows, columns


def make_cell_grid(height: int, width: int, input_height: int, input_width: int) -> CellGrid:
    """Grid of the cells on a frame that is resized to `input_height` x `input_width` for the network."""
    step_x, step_y = FINEST_STRIDE * width / input_width, FINEST_STRIDE * height / input_height
    # A cell's centre is a network pixel's centre, half a network pixel from its edge.
    left, top = 0.5 * width / input_width - 0.5, 0.5 * height / input_height - 0.5
    return CellGrid(input_height // FINEST_STRIDE, input_width // FINEST_STRIDE, step_x, step_y, left, top)


def make_feature_metadata(frames: Frames, params: ExtractFeaturesParams, numbers: Sequence[int]) -> FeatureMetadata:
    """Network, grid and times of the features of the frames `numbers`."""
    return FeatureMetadata(
        network=params.network,
        layers=params.layers,
        width=frames.width,
        height=frames.height,
        grid=make_cell_grid(
            frames.height, frames.width, *compute_input_size(frames.height, frames.width, params.image_side)
        ),
        video=frames.video,
        pts_s=tuple(frames.pts_s[list(numbers)].tolist()),
    )


class FeatureExtractor:
    """A loaded network that maps images to grids of feature vectors."""

    def __init__(self, params: ExtractFeaturesParams, device: str, projection: LinearProjection | None) -> None:
        self.image_side = params.image_side
        self.is_batched = device != "cpu"
        if self.is_batched:
            from tasks.extract_features.device_features import make_batch_extractor

            self._extract = make_batch_extractor(params.network, params.layers, device, projection)
        else:
            self._extract = _make_single_extractor(params, projection)

    def __call__(self, images: list[Image]) -> list[NDArray[np.float16]]:
        """(h, w, d) float16 vectors of each image; all images must have one size."""
        import cv2

        image_height, image_width = images[0].shape[:2]
        height, width = compute_input_size(image_height, image_width, self.image_side)
        interpolation = cv2.INTER_AREA if height < image_height else cv2.INTER_LINEAR
        resized: list[Any] = [cv2.resize(image, (width, height), interpolation=interpolation) for image in images]
        return self._extract(resized)


def _make_single_extractor(
    params: ExtractFeaturesParams, projection: LinearProjection | None
) -> Callable[[Sequence[Image]], list[NDArray[np.float16]]]:
    """Vectors of images one after the other, on the CPU."""
    from tasks.extract_features.backbone_inference import load_backbone_runner
    from tasks.extract_features.hypercolumns import join_layers
    from tasks.extract_features.projected_hypercolumns import join_projected_layers

    run = load_backbone_runner(params.network, params.layers, "cpu")

    def join(layers: LayerActivations) -> NDArray[np.float32]:
        return join_layers(layers) if projection is None else join_projected_layers(layers, projection)

    def extract(images: Sequence[Image]) -> list[NDArray[np.float16]]:
        return [join(layers).astype(np.float16) for layers in run(images)]

    return extract


def open_feature_extractor(
    params: ExtractFeaturesParams, compute: Compute, projection: LinearProjection | None
) -> FeatureExtractor:
    """The extractor for `params`, on the device that `compute` names."""
    from tasks.device import resolve_device

    return FeatureExtractor(params, resolve_device(compute.device), projection)


def count_channels(params: ExtractFeaturesParams) -> int:
    """Number of channels of all layers together."""
    from tasks.extract_features.backbone import load_backbone

    sizes = {conv.name: len(conv.weight) for conv in load_backbone(params.network).convs}
    return sum(sizes[layer] for layer in params.layers)
