"""RAFT: optical flow by repeated lookups in the correlations of all pairs of cells.

Teed and Deng, ECCV 2020, https://arxiv.org/abs/2003.12039, with the authors' published weights (BSD-3-Clause).
Differences: each image is encoded once for both directions, and the correlation volume of the backward flow is the
transpose of the forward one; only the last field is upsampled. Neither changes a result.
The network works on cells of 8x8 pixels whose sampling conventions (corner-aligned upsampling in the small one, pooled
levels addressed by halved coordinates) are part of what its weights have learned, so they stay as trained.
Why not torchvision.models.optical_flow: torchvision cannot be imported beside a CPU build of torch of another version
(tasks/yolo/torchvision_ops.py); the tests compare this network with torchvision's.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tasks.estimate_flow.raft_layers import (
    PYRAMID_LEVELS,
    ImageEncoder,
    RaftSize,
    UpdateBlock,
    batch_norm,
    instance_norm,
    no_norm,
)

CELL_SIZE = 8  # pixels per cell side


@dataclass(frozen=True)
class RaftEncoding:
    """Encodings of n images, before any two are compared."""

    features: Tensor
    """(n, d, h8, w8) vectors to correlate."""
    hidden: Tensor
    """(n, hidden, h8, w8) initial state of the GRU."""
    context: Tensor
    """(n, context, h8, w8) input to every update."""

    def __getitem__(self, images: slice) -> RaftEncoding:
        return RaftEncoding(self.features[images], self.hidden[images], self.context[images])


class Raft(nn.Module):
    """The RAFT network: `encode_images`, then `estimate_flow` between encodings."""

    def __init__(self, size: RaftSize) -> None:
        super().__init__()
        self.size = size
        self.fnet = ImageEncoder(size, size.features, instance_norm)
        self.cnet = ImageEncoder(size, size.hidden + size.context, no_norm if size.small else batch_norm)
        self.update_block = UpdateBlock(size)

    def encode_images(self, images: Tensor) -> RaftEncoding:
        """Encode (n, 3, h, w) images in [-1, 1], h and w multiples of 8."""
        hidden, context = self.cnet(images).split([self.size.hidden, self.size.context], dim=1)
        return RaftEncoding(self.fnet(images).float(), torch.tanh(hidden), torch.relu(context))

    def estimate_flow(self, first: RaftEncoding, pyramid: Sequence[Tensor], iterations: int) -> Tensor:
        """(n, 2, h, w) flow in px from the images of `first`; `pyramid` holds their correlations with the second."""
        start = make_cell_coordinates(first.features)
        at, hidden = start, first.hidden
        for _ in range(iterations):
            correlation = lookup_correlations(pyramid, at, self.size.radius)
            hidden, step = self.update_block(hidden, first.context, correlation, at - start)
            at = at + step.float()
        if self.size.small:
            return _upsample_bilinear(at - start)
        return _upsample_convex(at - start, self.update_block.predict_upsampling(hidden).float())


def make_cell_coordinates(like: Tensor) -> Tensor:
    """(n, 2, h8, w8) coordinates x, y of every cell, for features shaped `like`."""
    n, _, h, w = like.shape
    y, x = torch.meshgrid(
        torch.arange(h, device=like.device, dtype=torch.float32),
        torch.arange(w, device=like.device, dtype=torch.float32),
        indexing="ij",
    )
    return torch.stack([x, y]).expand(n, 2, h, w)


def correlate_all_pairs(first: Tensor, second: Tensor) -> Tensor:
    """(n, h8 * w8, h8 * w8) scalar products of all vectors of `first` with all of `second`, over sqrt(d)."""
    return first.flatten(2).transpose(1, 2) @ second.flatten(2) / math.sqrt(first.shape[1])


def build_correlation_pyramid(volume: Tensor, h: int, w: int) -> list[Tensor]:
    """The correlation volume average-pooled over the second image: (n * h * w, 1, h / 2^k, w / 2^k)."""
    levels = [volume.reshape(-1, 1, h, w)]
    for _ in range(PYRAMID_LEVELS - 1):
        levels.append(F.avg_pool2d(levels[-1], 2, stride=2))
    return levels


def lookup_correlations(pyramid: Sequence[Tensor], at: Tensor, radius: int) -> Tensor:
    """(n, levels * (2r + 1)^2, h, w) correlations around `at` (n, 2, h, w), bilinear, zero outside the image."""
    n, _, h, w = at.shape
    steps = torch.arange(-radius, radius + 1, device=at.device, dtype=at.dtype)
    # The authors' order, which the weights require: the slow axis of the window is x.
    window = torch.stack(torch.meshgrid(steps, steps, indexing="ij"), dim=-1)
    centre = at.permute(0, 2, 3, 1).reshape(-1, 1, 1, 2)
    found: list[Tensor] = []
    for k, level in enumerate(pyramid):
        size = torch.tensor([level.shape[3] - 1, level.shape[2] - 1], device=at.device, dtype=at.dtype)
        grid = 2 * (centre / 2**k + window) / size - 1
        found.append(F.grid_sample(level, grid, align_corners=True).view(n, h, w, -1))
    return torch.cat(found, dim=-1).permute(0, 3, 1, 2).contiguous()


def _upsample_bilinear(flow: Tensor) -> Tensor:
    h, w = flow.shape[2:]
    return CELL_SIZE * F.interpolate(flow, size=(CELL_SIZE * h, CELL_SIZE * w), mode="bilinear", align_corners=True)


def _upsample_convex(flow: Tensor, logits: Tensor) -> Tensor:
    """Convex upsampling: each pixel is a convex combination of the 3x3 cells around its own (section 3.3)."""
    n, _, h, w = flow.shape
    weights = logits.view(n, 1, 9, CELL_SIZE, CELL_SIZE, h, w).softmax(dim=2)
    around = F.unfold(CELL_SIZE * flow, 3, padding=1).view(n, 2, 9, 1, 1, h, w)
    fine = (weights * around).sum(dim=2)
    return fine.permute(0, 1, 4, 2, 5, 3).reshape(n, 2, CELL_SIZE * h, CELL_SIZE * w)
