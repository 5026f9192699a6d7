"""Layers of RAFT: the encoders and the update operator, in both published sizes.

Teed and Deng, "RAFT: Recurrent All-Pairs Field Transforms for Optical Flow", ECCV 2020, section 3 and appendix; the
layers and their attribute names follow the authors' release, so that the published weights load unchanged.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

Norm = Callable[[int], nn.Module]


@dataclass(frozen=True)
class RaftSize:
    """Hyperparameters in which the two published networks differ."""

    widths: tuple[int, int, int]
    """Channels after each stage of an encoder."""
    features: int
    """Channels of the vectors that are correlated."""
    hidden: int
    """Channels of the recurrent state."""
    context: int
    """Channels of the context that is fed to every update."""
    radius: int
    """Lookup radius in cells around the current match, on every level of the pyramid."""
    small: bool
    """Bottleneck blocks, one convolution where the large network has two, bilinear instead of learned upsampling."""


RAFT_LARGE = RaftSize((64, 96, 128), features=256, hidden=128, context=128, radius=4, small=False)
RAFT_SMALL = RaftSize((32, 64, 96), features=128, hidden=96, context=64, radius=3, small=True)
PYRAMID_LEVELS = 4  # of the correlation pyramid


def instance_norm(channels: int) -> nn.Module:
    """Norm of the feature encoder."""
    return nn.InstanceNorm2d(channels)


def batch_norm(channels: int) -> nn.Module:
    """Norm of the large network's context encoder."""
    return nn.BatchNorm2d(channels)


def no_norm(channels: int) -> nn.Module:
    """No norm, as in the small network's context encoder."""
    del channels
    return nn.Identity()


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions, or a bottleneck of 1x1, 3x3, 1x1, added to the input."""

    def __init__(self, inputs: int, outputs: int, norm: Norm, stride: int, bottleneck: bool) -> None:
        super().__init__()
        if bottleneck:
            inner = outputs // 4
            self.conv1 = nn.Conv2d(inputs, inner, 1)
            self.conv2 = nn.Conv2d(inner, inner, 3, stride, padding=1)
            self.conv3 = nn.Conv2d(inner, outputs, 1)
            self.norm1, self.norm2, self.norm3 = norm(inner), norm(inner), norm(outputs)
        else:
            self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, padding=1)
            self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1)
            self.norm1, self.norm2 = norm(outputs), norm(outputs)
        self.bottleneck = bottleneck
        self.downsample = (
            nn.Identity() if stride == 1 else nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride), norm(outputs))
        )

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.norm1(self.conv1(x)))
        y = F.relu(self.norm2(self.conv2(y)))
        if self.bottleneck:
            y = F.relu(self.norm3(self.conv3(y)))
        return F.relu(self.downsample(x) + y)


class ImageEncoder(nn.Module):
    """(n, 3, h, w) images in [-1, 1] to (n, outputs, h / 8, w / 8)."""

    def __init__(self, size: RaftSize, outputs: int, norm: Norm) -> None:
        super().__init__()
        first, second, third = size.widths
        self.conv1 = nn.Conv2d(3, first, 7, stride=2, padding=3)
        self.norm1 = norm(first)
        self.layer1 = _make_stage(first, first, norm, 1, size.small)
        self.layer2 = _make_stage(first, second, norm, 2, size.small)
        self.layer3 = _make_stage(second, third, norm, 2, size.small)
        self.conv2 = nn.Conv2d(third, outputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.norm1(self.conv1(x)))
        return self.conv2(self.layer3(self.layer2(self.layer1(x))))


def _make_stage(inputs: int, outputs: int, norm: Norm, stride: int, bottleneck: bool) -> nn.Sequential:
    return nn.Sequential(
        ResidualBlock(inputs, outputs, norm, stride, bottleneck), ResidualBlock(outputs, outputs, norm, 1, bottleneck)
    )


class MotionEncoder(nn.Module):
    """Correlations and current flow to motion features, the flow itself among them."""

    def __init__(self, size: RaftSize) -> None:
        super().__init__()
        correlations = PYRAMID_LEVELS * (2 * size.radius + 1) ** 2
        c1, c2, f1, f2, out = (96, 96, 64, 32, 80) if size.small else (256, 192, 128, 64, 126)
        self.convc1 = nn.Conv2d(correlations, c1, 1)
        self.convc2 = nn.Identity() if size.small else nn.Conv2d(c1, c2, 3, padding=1)
        self.convf1 = nn.Conv2d(2, f1, 7, padding=3)
        self.convf2 = nn.Conv2d(f1, f2, 3, padding=1)
        self.conv = nn.Conv2d(c2 + f2, out, 3, padding=1)
        self.outputs = out + 2

    def forward(self, flow: Tensor, correlation: Tensor) -> Tensor:
        c = F.relu(self.convc2(F.relu(self.convc1(correlation))))
        f = F.relu(self.convf2(F.relu(self.convf1(flow))))
        return torch.cat([F.relu(self.conv(torch.cat([c, f], dim=1))), flow], dim=1)


class ConvGru(nn.Module):
    """A convolutional GRU: one pass of 3x3 kernels, or a pass along rows and one along columns."""

    def __init__(self, hidden: int, inputs: int, small: bool) -> None:
        super().__init__()
        self.passes = ("",) if small else ("1", "2")
        for name, kernel in {"": (3, 3)}.items() if small else {"1": (1, 5), "2": (5, 1)}.items():
            padding = (kernel[0] // 2, kernel[1] // 2)
            for gate in "zrq":
                setattr(self, f"conv{gate}{name}", nn.Conv2d(hidden + inputs, hidden, kernel, padding=padding))

    def forward(self, h: Tensor, x: Tensor) -> Tensor:
        for name in self.passes:
            both = torch.cat([h, x], dim=1)
            z = torch.sigmoid(self.get_submodule(f"convz{name}")(both))
            r = torch.sigmoid(self.get_submodule(f"convr{name}")(both))
            q = torch.tanh(self.get_submodule(f"convq{name}")(torch.cat([r * h, x], dim=1)))
            h = (1 - z) * h + z * q
        return h


class FlowHead(nn.Module):
    """Hidden state to an update of the flow."""

    def __init__(self, hidden: int, inner: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(hidden, inner, 3, padding=1)
        self.conv2 = nn.Conv2d(inner, 2, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv2(F.relu(self.conv1(x)))


class UpdateBlock(nn.Module):
    """One update: (state, context, correlations, flow) to (state, update of the flow)."""

    MASK_SCALE = 0.25  # "scale mask to balance gradients", in the authors' code

    def __init__(self, size: RaftSize) -> None:
        super().__init__()
        self.encoder = MotionEncoder(size)
        self.gru = ConvGru(size.hidden, size.context + self.encoder.outputs, size.small)
        self.flow_head = FlowHead(size.hidden, 128 if size.small else 256)
        if not size.small:
            self.mask = nn.Sequential(nn.Conv2d(size.hidden, 256, 3, padding=1), nn.ReLU(), nn.Conv2d(256, 64 * 9, 1))

    def forward(self, h: Tensor, context: Tensor, correlation: Tensor, flow: Tensor) -> tuple[Tensor, Tensor]:
        motion = self.encoder(flow, correlation)
        h = self.gru(h, torch.cat([context, motion], dim=1))
        return h, self.flow_head(h)

    def predict_upsampling(self, h: Tensor) -> Tensor:
        """(n, 576, h, w) logits of the convex upsampling mask; in the large network only."""
        return self.MASK_SCALE * self.mask(h)
