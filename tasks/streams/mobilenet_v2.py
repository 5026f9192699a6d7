"""MobileNetV2's trunk (Sandler et al., 2018, table 2), for any number of channels in, cut off where asked.

Modules have torchvision's names, so that its published ImageNet weights load unchanged.
tasks/extract_features/backbone.py builds the same network as an ONNX graph without torch; this one is trained and needs
torch modules."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from tasks.weights.fetch import weights_path

MOBILENET_WEIGHTS = "mobilenet-v2"
STAGES = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))
"""Expansion, channels, repeats and first stride: the paper's table 2."""
STEM_CHANNELS, LAST_CHANNELS = 32, 1280


class InvertedResidual(nn.Module):
    """Expand, depthwise, project; added to the input where shapes allow."""

    def __init__(self, channels: int, out: int, stride: int, expansion: int) -> None:
        super().__init__()
        inner = channels * expansion
        parts: list[nn.Module] = [_make_conv_unit(channels, inner, 1)] if expansion > 1 else []
        parts += [
            _make_conv_unit(inner, inner, 3, stride, inner),
            nn.Conv2d(inner, out, 1, bias=False),
            nn.BatchNorm2d(out),
        ]
        self.conv = nn.Sequential(*parts)
        self._adds = stride == 1 and channels == out

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv(x) if self._adds else self.conv(x)


class ExpansionLayer(nn.Module):
    """The expansion layer of a block alone: the end of a truncated trunk, with six times the channels."""

    def __init__(self, channels: int, expansion: int) -> None:
        super().__init__()
        self.conv = nn.Sequential(_make_conv_unit(channels, channels * expansion, 1))

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x)


class MobileNetTrunk(nn.Module):
    """(n, channels, h, w) to (n, d): blocks up to the expansion of block `last` (None: all), then the mean."""

    def __init__(self, channels: int, last: int | None = None) -> None:
        super().__init__()
        layers: list[nn.Module] = [_make_conv_unit(channels, STEM_CHANNELS, 3, 2)]
        width = STEM_CHANNELS
        for expansion, out, repeats, first_stride in STAGES:
            for repeat in range(repeats):
                if len(layers) == last:
                    layers.append(ExpansionLayer(width, expansion))
                    self.features, self.width = nn.Sequential(*layers), width * expansion
                    return
                layers.append(InvertedResidual(width, out, first_stride if repeat == 0 else 1, expansion))
                width = out
        self.features, self.width = nn.Sequential(*layers, _make_conv_unit(width, LAST_CHANNELS, 1)), LAST_CHANNELS

    def forward(self, x: Tensor) -> Tensor:
        return self.features(x).mean(dim=(2, 3))


def load_imagenet_state(trunk: MobileNetTrunk) -> dict[str, Tensor]:
    """The published ImageNet weights of the layers of `trunk`; the first layer has three input channels."""
    state: dict[str, Any] = torch.load(weights_path(MOBILENET_WEIGHTS), map_location="cpu", weights_only=True)
    return {name: state[name] for name in trunk.state_dict()}


def _make_conv_unit(channels: int, out: int, kernel: int, stride: int = 1, groups: int = 1) -> nn.Sequential:
    conv = nn.Conv2d(channels, out, kernel, stride, kernel // 2, groups=groups, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(out), nn.ReLU6())
