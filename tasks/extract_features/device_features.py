"""Feature vectors on an accelerator: layers are joined and projected where they were computed, a batch at a time.

The operations are those of hypercolumns.py and of LinearProjection, in single precision on half-precision layers.
Images go over as bytes and vectors come back in half precision. In NumPy these steps take 29 ms of a processor per
frame of 640x360, however fast the backbone is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from tasks.arrays import Floats16, Image
from tasks.extract_features.backbone_inference import make_device_layers
from tasks.geometry.cell_grid import MIN_LENGTH
from tasks.geometry.wccn_projection import LinearProjection

BatchExtractor = Callable[[Sequence[Image]], list[Floats16]]
"""RGB images of one size to the (h, w, d) unit vectors of each."""


def make_batch_extractor(
    network: str, layers: tuple[str, ...], device: str, projection: LinearProjection | None
) -> BatchExtractor:
    """The extractor on `device`; without a projection its vectors have the channels of all layers."""
    run = make_device_layers(network, layers, device)
    mean, axes = (
        (None, None)
        if projection is None
        else (torch.from_numpy(part).to(device) for part in (projection.mean, projection.axes))
    )

    @torch.inference_mode()
    def extract(images: Sequence[Image]) -> list[Floats16]:
        vectors = join_device_layers(run(images))
        if mean is not None and axes is not None:
            vectors = normalize_cells((vectors - mean) @ axes)
        return list(vectors.half().cpu().numpy())

    return extract


def join_device_layers(layers: Sequence[Tensor]) -> Tensor:
    """(n, h, w, c) unit vectors of (n, c', h', w') layers, as hypercolumns.join_layers gives them for one image."""
    rows, columns = layers[0].shape[2:]
    parts: list[Tensor] = []
    for layer in layers:
        centred = layer.float() - layer.float().mean(dim=(2, 3), keepdim=True)
        fine = _upsample_axis(_upsample_axis(centred, rows, 2), columns, 3)
        parts.append(normalize_cells(fine.permute(0, 2, 3, 1)))
    return normalize_cells(torch.cat(parts, dim=3))


def normalize_cells(vectors: Tensor) -> Tensor:
    """Vectors along the last axis scaled to length 1; zeros stay zeros."""
    return F.normalize(vectors, dim=-1, eps=MIN_LENGTH)


def _upsample_axis(layer: Tensor, count: int, axis: int) -> Tensor:
    """`layer` with `count` cells along `axis`, by linear interpolation between cells at multiples of a power of two."""
    size = layer.shape[axis]
    factor = 1
    while size * factor < count:
        factor *= 2
    at = np.minimum(np.arange(count) / factor, size - 1)
    low = np.minimum(at.astype(int), max(size - 2, 0))
    weight = torch.from_numpy((at - low).astype(np.float32)).to(layer.device)
    weight = weight.reshape([-1 if n == axis else 1 for n in range(layer.ndim)])
    first, second = (
        layer.index_select(axis, torch.from_numpy(index).to(layer.device))
        for index in (low, np.minimum(low + 1, size - 1))
    )
    return first * (1 - weight) + second * weight
