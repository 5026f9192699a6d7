"""3D convolution by Winograd's minimal filtering along time: half of the products, the same sums but for rounding.

Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks" (CVPR 2016), section 4.1: F(4, 3) gives four outputs
of a filter of three taps with six products in place of twelve. Along time alone, a product is a 2D convolution of a
whole picture, so that six sums of pictures are convolved where twelve pictures would be. Space is left as it is: there
the transforms would cost what they save, and the rounding errors would grow. Results differ from those of direct
convolution by 3e-5 of their size.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

OUTPUTS = 4  # pictures per tile
PRODUCTS = 6
TAPS = 3
GROUP = 4  # tiles at a time: more take no less time and more memory
FILTER_TRANSFORM = (
    (1 / 4, 0, 0),
    (-1 / 6, -1 / 6, -1 / 6),
    (-1 / 6, 1 / 6, -1 / 6),
    (1 / 24, 1 / 12, 1 / 6),
    (1 / 24, -1 / 12, 1 / 6),
    (0, 0, 1),
)  # G of the paper


@dataclass(frozen=True)
class WinogradFilters:
    """The six 2D filters of a 3D convolution with kernel 3, stride 1 and padding 1."""

    filters: tuple[Tensor, ...]
    """PRODUCTS times (outputs, inputs, 3, 3)."""
    bias: Tensor
    """(outputs,)."""

    @classmethod
    def from_kernel(cls, weight: Tensor, bias: Tensor) -> WinogradFilters:
        """From the (outputs, inputs, 3, 3, 3) `weight` of the direct convolution."""
        transform = torch.tensor(FILTER_TRANSFORM, dtype=torch.float64)
        products = torch.einsum("kt,oithw->koihw", transform, weight.double()).float()
        return cls(tuple(part.contiguous(memory_format=torch.channels_last) for part in products), bias)


def convolve(x: Tensor, by: WinogradFilters) -> Tensor:
    """(n, outputs, t, h, w) of (n, inputs, t, h, w), both laid out as channels_last_3d."""
    clips, _, length, height, width = x.shape
    tiles = -(-length // OUTPUTS)
    # Time first, then space, then channels: what channels_last_3d is in memory.
    pictures = F.pad(x.permute(0, 2, 3, 4, 1), (0, 0, 0, 0, 0, 0, 1, OUTPUTS * tiles + 1 - length))
    found = torch.empty((clips, tiles, OUTPUTS, height, width, len(by.bias)))
    for clip in range(clips):
        for first in range(0, tiles, GROUP):
            count = min(GROUP, tiles - first)
            start = OUTPUTS * first
            stop = start + OUTPUTS * (count - 1) + 1
            inputs = [pictures[clip, start + k : stop + k : OUTPUTS] for k in range(PRODUCTS)]
            products = [
                F.conv2d(part.permute(0, 3, 1, 2), kernel, padding=TAPS // 2).permute(0, 2, 3, 1)
                for part, kernel in zip(_transform_inputs(inputs), by.filters, strict=True)
            ]
            _transform_products(products, by.bias, found[clip, first : first + count])
    return found.view(clips, tiles * OUTPUTS, height, width, -1)[:, :length].permute(0, 4, 1, 2, 3)


def _transform_inputs(d: list[Tensor]) -> list[Tensor]:
    """The six sums of six pictures: B^T d of the paper."""
    even, odd = d[4] - 4 * d[2], d[3] - 4 * d[1]
    outer, inner = d[4] - d[2], 2 * (d[3] - d[1])
    return [
        4 * d[0] - 5 * d[2] + d[4],
        even + odd,
        even - odd,
        outer + inner,
        outer - inner,
        4 * d[1] - 5 * d[3] + d[5],
    ]


def _transform_products(m: list[Tensor], bias: Tensor, out: Tensor) -> None:
    """The four outputs from six products: A^T m of the paper, plus the bias, into (tiles, 4, h, w, outputs) `out`."""
    near, near_difference = m[1] + m[2], m[1] - m[2]
    far, far_difference = m[3] + m[4], m[3] - m[4]
    torch.add(near, far, out=out[:, 0]).add_(m[0])
    torch.add(near_difference, far_difference, alpha=2, out=out[:, 1])
    torch.add(near, far, alpha=4, out=out[:, 2])
    torch.add(near_difference, far_difference, alpha=8, out=out[:, 3]).add_(m[5])
    out += bias
