"""What each place of each frame looks like, to a network that learned to name things.

Activations of a pretrained backbone at strides 8, 16 and 32 (edges, shapes, parts), joined on the stride-8 grid; the
coarse ones know what a thing is, the fine ones where it ends.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from tasks.artifacts.artifact import Streamed
from tasks.artifacts.feature_axes import FeatureAxes
from tasks.artifacts.features import FeatureFacts, Features
from tasks.artifacts.frames import Frames
from tasks.artifacts.images import Image
from tasks.device_class import Kernels
from tasks.extract_features.plans import layer_strides
from tasks.geometry.grid import CellGrid, unit
from tasks.geometry.projection import Projection
from tasks.params import Compute, Params
from tasks.stage import stage

STRIDE = 8  # of the finest layer: network pixels from cell to cell


class ExtractFeaturesParams(Params):
    """Which network looks, and with what eyes."""

    network: Literal["mobilenet-v2", "efficientnet-lite0"]
    """Backbone, trained on ImageNet."""
    layers: tuple[str, ...] = Field(min_length=1)
    """Layers to join, the finest first, which must be of stride 8: e4 is block 4's expansion, b4 its output."""
    image_side: int = Field(ge=64, le=4096, multiple_of=STRIDE)
    """Longer side of the image that the network sees, pixels; its eighth is the longer side of the grid."""
    dimensions: int | None = Field(ge=1)
    """Length of the vectors after a projection (see tasks/geometry/projection.py); null keeps all channels."""

    @property
    def kernels(self) -> tuple[Kernels, ...]:
        """MobileNetV2's convolutions came out the same with AVX2 and AVX-512; EfficientNet's were not compared."""
        return ("cuda",) if self.network == "mobilenet-v2" else ("onnxruntime", "cuda")

    @model_validator(mode="after")
    def _joinable(self) -> Self:
        strides = layer_strides(self.network)
        unknown = [layer for layer in self.layers if layer not in strides]
        if unknown:
            raise ValueError(f"layers must be among {', '.join(strides)} for {self.network}, got {unknown[0]!r}")
        if strides[self.layers[0]] != STRIDE:
            finest = ", ".join(layer for layer, stride in strides.items() if stride == STRIDE)
            raise ValueError(
                f"the first of layers must have stride {STRIDE} ({finest}), got {self.layers[0]} with "
                f"{strides[self.layers[0]]}"
            )
        finer = [layer for layer in self.layers if strides[layer] < STRIDE]
        if finer:
            raise ValueError(f"layers must have stride {STRIDE} or more, got {finer[0]} with {strides[finer[0]]}")
        return self


@stage(
    libraries=("numpy", "onnx", "onnxruntime", "opencv-python", "pyarrow", "torch"),
    weights=lambda params: (params.network,),
    accelerator=True,
    kernels=("onnxruntime", "cuda"),
    kernels_for=lambda params: params.kernels,
)
def extract_features(
    frames: Frames, feature_axes: FeatureAxes, params: ExtractFeaturesParams, compute: Compute
) -> Streamed[Features]:
    """A grid of vectors for every frame; zeros where a frame is damaged or lost."""
    height, width = input_size(frames.height, frames.width, params.image_side)
    grid = cell_grid(frames.height, frames.width, height, width)
    facts = FeatureFacts(params.network, params.layers, frames.width, frames.height, grid)

    def rows() -> Iterator[NDArray[np.float16]]:
        look = viewer(params, compute, feature_axes.projection)
        size = compute.batch if look.batched else 1
        nothing = np.zeros((grid.rows, grid.columns, channels), np.float16)
        written = 0
        for numbers, images in frames.batches(size):
            for number, found in zip(numbers, look(images), strict=True):
                for _ in range(written, number):
                    yield nothing
                yield found
                written = number + 1
        for _ in range(written, len(frames)):
            yield nothing

    channels = params.dimensions or channel_count(params)
    return Features.stream(rows(), (len(frames), grid.rows, grid.columns, channels), facts)


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
