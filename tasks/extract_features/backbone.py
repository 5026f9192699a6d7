"""Two ImageNet backbones as plain lists of convolutions with batch normalisation folded in.

MobileNetV2 (Sandler et al., 2018; torchvision's weights) and EfficientNet-lite0 (Google, 2020; ported to torch). Both
are made of inverted residuals: expand 1x1, depthwise 3x3 or 5x5, project 1x1, added to the input where shapes allow.
Layers are named after their block: `e7` the expansion of block 7, `d7` its depthwise part, `b7` its output.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.extract_features.network_plans import NETWORK_PLANS, STEM_CHANNELS, NetworkPlan
from tasks.weights.fetch import weights_path

StateDict = dict[str, Any]


@dataclass(frozen=True)
class FoldedConv:
    """A convolution with batch normalisation folded in, and the operations after it."""

    name: str
    weight: NDArray[np.float32]
    """(out, in / groups, k, k)."""
    bias: NDArray[np.float32]
    stride: int
    has_relu6: bool
    """Whether ReLU6 follows."""
    starts_block: bool
    """Whether it is the first of a block, whose input the residual adds."""
    adds_residual: bool
    """Whether the block's input is added to the output."""

    @property
    def groups(self) -> int:
        """The number of channels for a depthwise convolution, else 1."""
        return len(self.weight) if self.weight.shape[1] == 1 else 1

    @property
    def kernel(self) -> int:
        """Side of the kernel in pixels; the input is padded by half of it on every side."""
        return self.weight.shape[-1]


@dataclass(frozen=True)
class Backbone:
    """A network up to its last block, without the classifier."""

    convs: tuple[FoldedConv, ...]
    mean: tuple[float, float, float]
    """Subtracted from RGB, 0..255."""
    scale: tuple[float, float, float]
    """RGB is divided by it afterwards."""


@cache
def load_backbone(name: str) -> Backbone:
    """The network `name` with its pretrained weights, downloaded and verified at first use."""
    import torch

    plan = NETWORK_PLANS[name]
    state: StateDict = torch.load(weights_path(plan.weights), map_location="cpu", weights_only=True)
    convs = [_fold_batch_norm(state, "stem", _stem_keys(plan), 2, plan, has_relu6=True)]
    block, channels = plan.first_block, STEM_CHANNELS
    for expansion, out, repeats, first_stride, _ in plan.stages:
        for repeat in range(repeats):
            stride = first_stride if repeat == 0 else 1
            convs += _load_block(
                state, plan, block, expands=expansion > 1, stride=stride, adds=stride == 1 and channels == out
            )
            channels, block = out, block + 1
    return Backbone(tuple(convs), plan.mean, plan.scale)


def _load_block(
    state: StateDict, plan: NetworkPlan, block: int, *, expands: bool, stride: int, adds: bool
) -> list[FoldedConv]:
    """The convolutions of one inverted residual."""
    parts = ("e", "d", "b") if expands else ("d", "b")
    return [
        _fold_batch_norm(state, f"{part}{block}", _block_keys(plan, block, part), stride if part == "d" else 1, plan,
                has_relu6=part != "b", starts_block=part == parts[0], adds_residual=part == "b" and adds)
        for part in parts
    ]  # fmt: skip


def _stem_keys(plan: NetworkPlan) -> tuple[str, str]:
    return ("features.0.0", "features.0.1") if plan.weights == "mobilenet-v2" else ("_conv_stem", "_bn0")


def _block_keys(plan: NetworkPlan, block: int, part: str) -> tuple[str, str]:
    """Names of a convolution and its normalisation in the state dict."""
    if plan.weights == "efficientnet-lite0":
        conv = {"e": "expand", "d": "depthwise", "b": "project"}[part]
        norm = {"e": 0, "d": 1, "b": 2}[part]
        return f"_blocks.{block}._{conv}_conv", f"_blocks.{block}._bn{norm}"
    prefix = f"features.{block}.conv."
    if block == 1:  # the one block without expansion
        return (prefix + "0.0", prefix + "0.1") if part == "d" else (prefix + "1", prefix + "2")
    conv, norm = {"e": ("0.0", "0.1"), "d": ("1.0", "1.1"), "b": ("2", "3")}[part]
    return prefix + conv, prefix + norm


def _fold_batch_norm(
    state: StateDict, name: str, keys: tuple[str, str], stride: int, plan: NetworkPlan, *, has_relu6: bool,
    starts_block: bool = False, adds_residual: bool = False,
) -> FoldedConv:  # fmt: skip
    conv, norm = keys
    kernel, scale, shift, mean, variance = (
        state[key].numpy()
        for key in (f"{conv}.weight", *(f"{norm}.{part}" for part in ("weight", "bias", "running_mean", "running_var")))
    )
    # NumPy, not torch: torch's square root is MKL's, which rounds differently on AMD and Intel.
    gain = scale / np.sqrt(variance + np.float32(plan.epsilon))
    weight, bias = kernel * gain[:, None, None, None], shift - mean * gain
    return FoldedConv(name, weight, bias, stride, has_relu6, starts_block, adds_residual)
