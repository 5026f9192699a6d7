"""Parameters of the stage `extract_features`: the section `extract_features` of params.yaml."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from tasks.device_class import Kernels
from tasks.extract_features.network_plans import compute_layer_strides
from tasks.params import Params

FINEST_STRIDE = 8  # of the finest layer, pixels of the network's input


class ExtractFeaturesParams(Params):
    """Network, layers and resolution of feature extraction."""

    network: Literal["mobilenet-v2", "efficientnet-lite0"]
    """Backbone, pretrained on ImageNet."""
    layers: tuple[str, ...] = Field(min_length=1)
    """Layers to join, the finest first, which must be of stride 8: e4 is block 4's expansion, b4 its output."""
    image_side: int = Field(ge=64, le=4096, multiple_of=FINEST_STRIDE)
    """Longer side of the network's input, pixels; an eighth of it is the longer side of the grid."""
    frame_interval: int = Field(ge=1)
    """Features are stored of some frames of each group of so many; 1: of every frame. Labelled frames between them take
    the features of the nearest stored frame along the optical flow."""
    frame_offsets: tuple[Annotated[int, Field(ge=0)], ...] = Field(min_length=1)
    """Positions in the group of the frames that are stored: those that `match` and `fit_field` read."""
    dimensions: int | None = Field(ge=1)
    """Length of the vectors after a projection (see tasks/geometry/wccn_projection.py); null keeps all channels."""

    @property
    def kernels(self) -> tuple[Kernels, ...]:
        """Kernels that may change results. MobileNetV2 gave equal bits with AVX2 and AVX-512; EfficientNet is open."""
        return ("cuda",) if self.network == "mobilenet-v2" else ("onnxruntime", "cuda")

    @model_validator(mode="after")
    def _check_layers_and_offsets(self) -> Self:
        beyond = [offset for offset in self.frame_offsets if offset >= self.frame_interval]
        if beyond:
            raise ValueError(
                f"frame_offsets must be less than frame_interval, {self.frame_interval}, got {beyond[0]}; with an "
                "interval of 1 they are [0]"
            )
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
