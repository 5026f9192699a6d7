"""The building blocks of I3D: convolutions and poolings with TensorFlow's SAME padding, and Inception's mixed blocks.

Carreira and Zisserman, CVPR 2017, https://arxiv.org/abs/1705.07750; shapes after the authors' Sonnet code. Difference:
batch normalisation (without gain, as published) is folded into the convolution before it, which changes results
by rounding alone.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tasks.streams.temporal_winograd import TAPS, WinogradFilters, convolve

Triple = tuple[int, int, int]
"""Time, height, width."""


def same_padding(size: int, kernel: int, stride: int) -> tuple[int, int]:
    """Cells to add before and after `size` so that ceil(size / stride) come out; the odd one goes behind."""
    total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


def pad_same(x: Tensor, kernel: Triple, stride: Triple) -> Tensor:
    """(n, c, t, h, w) with SAME padding of zeros."""
    sides = [same_padding(size, k, s) for size, k, s in zip(x.shape[2:], kernel, stride, strict=True)]
    return F.pad(x, [cells for side in reversed(sides) for cells in side])  # it begins with the last dimension


class Unit3D(nn.Module):
    """A convolution with bias, and ReLU."""

    def __init__(self, inputs: int, outputs: int, kernel: int = 1, stride: int = 1) -> None:
        super().__init__()
        self.kernel: Triple = (kernel, kernel, kernel)
        self.stride: Triple = (stride, stride, stride)
        # Steps of one need the same padding on both sides, which the convolution adds without a copy.
        self.conv = nn.Conv3d(inputs, outputs, kernel, stride, padding=kernel // 2 if stride == 1 else 0)
        self._winograd: WinogradFilters | None = None

    def use_winograd(self) -> None:
        """Compute a 3 x 3 x 3 convolution by Winograd's filtering from now on, with the weights as they are now."""
        if self.kernel == (TAPS, TAPS, TAPS) and self.stride == (1, 1, 1) and self.conv.bias is not None:
            self._winograd = WinogradFilters.from_kernel(self.conv.weight, self.conv.bias)

    def forward(self, x: Tensor) -> Tensor:
        if self._winograd is not None:
            raw = convolve(x, self._winograd)
        elif self.kernel == (1, 1, 1):  # a matrix product: torch's convolution takes four times as long for it
            weight = self.conv.weight.flatten(1)
            raw = F.linear(x.permute(0, 2, 3, 4, 1), weight, self.conv.bias).permute(0, 4, 1, 2, 3)
        else:
            raw = self.conv(x if self.stride == (1, 1, 1) else pad_same(x, self.kernel, self.stride))
        return torch.relu_(raw)


class MaxPool3DSame(nn.Module):
    """Max pooling with SAME padding, one dimension after the other; padding never is the maximum."""

    def __init__(self, kernel: Triple, stride: Triple) -> None:
        super().__init__()
        self.kernel, self.stride = kernel, stride

    def forward(self, x: Tensor) -> Tensor:
        for dim, (kernel, stride) in enumerate(zip(self.kernel, self.stride, strict=True), start=2):
            x = max_pool_along(x, dim, kernel, stride) if kernel > 1 else x
        return x


def max_pool_along(x: Tensor, dim: int, kernel: int, stride: int) -> Tensor:
    """The largest of `kernel` neighbours along `dim`, every `stride`; a fifth of the time of torch's max_pool3d."""
    size = x.shape[dim]
    count = -(-size // stride)
    before, _ = same_padding(size, kernel, stride)
    found = _take_every(x, dim, 0, stride, count).clone()
    for shift in (tap - before for tap in range(kernel) if tap != before):
        first = -(min(shift, 0) // stride)  # before it the neighbour is padding
        if first < count:
            there = _take_every(x, dim, first * stride + shift, stride, count - first)
            here = found.narrow(dim, first, there.shape[dim])
            torch.maximum(here, there, out=here)
    return found


def _take_every(x: Tensor, dim: int, start: int, step: int, most: int) -> Tensor:
    """Every `step`-th along `dim` from `start` on, at most so many."""
    at = (slice(None),) * dim
    return x[(*at, slice(start, start + step * (most - 1) + 1, step))]


class InceptionBlock(nn.Module):
    """Inception block: four parallel branches, their channels concatenated.

    `widths` are the outputs of 1x1; 1x1 then 3x3; 1x1 then 3x3; and of 1x1 after pooling.
    """

    def __init__(self, inputs: int, widths: Sequence[int]) -> None:
        super().__init__()
        one, reduce_a, three_a, reduce_b, three_b, pooled = widths
        self.branches = nn.ModuleList(
            [
                nn.Sequential(Unit3D(inputs, one)),
                nn.Sequential(Unit3D(inputs, reduce_a), Unit3D(reduce_a, three_a, kernel=3)),
                nn.Sequential(Unit3D(inputs, reduce_b), Unit3D(reduce_b, three_b, kernel=3)),
                nn.Sequential(MaxPool3DSame((3, 3, 3), (1, 1, 1)), Unit3D(inputs, pooled)),
            ]
        )
        self.outputs = one + three_a + three_b + pooled

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([branch(x) for branch in self.branches], dim=1)
