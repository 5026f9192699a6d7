"""Parameters of the stage `extract_features`: the section `extract_features` of params.yaml."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from tasks.device_class import Kernels
from tasks.extract_features.network_plans import compute_layer_strides
from tasks.params import Params

FINEST_STRIDE = 8  # of the finest layer: network pixels from cell to cell


class ExtractFeaturesParams(Params):
    """Which network looks, and with what eyes."""

    network: Literal["mobilenet-v2", "efficientnet-lite0"]
    """Backbone, trained on ImageNet."""
    layers: tuple[str, ...] = Field(min_length=1)
    """Layers to join, the finest first, which must be of stride 8: e4 is block 4's expansion, b4 its output."""
    image_side: int = Field(ge=64, le=4096, multiple_of=FINEST_STRIDE)
    """Longer side of the image that the network sees, pixels; its eighth is the longer side of the grid."""
    dimensions: int | None = Field(ge=1)
    """Length of the vectors after a projection (see tasks/geometry/wccn_projection.py); null keeps all channels."""

    @property
    def kernels(self) -> tuple[Kernels, ...]:
        """MobileNetV2's convolutions came out the same with AVX2 and AVX-512; EfficientNet's were not compared."""
        return ("cuda",) if self.network == "mobilenet-v2" else ("onnxruntime", "cuda")

    @model_validator(mode="after")
    def _joinable(self) -> Self:
        strides = compute_layer_strides(self.network)
        unknown = [layer for layer in self.layers if layer not in strides]
        if unknown:
            raise ValueError(f"layers must be among {', '.join(strides)} for {self.network}, got {unknown[0]!r}")
        if strides[self.layers[0]] != FINEST_STRIDE:
            finest = ", ".join(layer for layer, stride in strides.items() if stride == FINEST_STRIDE)
            raise ValueError(
                f"the first of layers must have stride {FINEST_STRIDE} ({finest}), got {self.layers[0]} with "
                f"{strides[self.layers[0]]}"
            )
        finer = [layer for layer in self.layers if strides[layer] < FINEST_STRIDE]
        if finer:
            raise ValueError(
                f"layers must have stride {FINEST_STRIDE} or more, got {finer[0]} with {strides[finer[0]]}"
            )
        return self
