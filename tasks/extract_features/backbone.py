"""Two ImageNet backbones as plain lists of convolutions, batch normalisation folded in.

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
    """A convolution with its normalisation folded in, and what follows it."""

    name: str
    weight: NDArray[np.float32]
    """(out, in / groups, k, k)."""
    bias: NDArray[np.float32]
    stride: int
    clipped: bool
    """Whether ReLU6 follows."""
    opens: bool
    """Whether a block begins here: its input is what a residual adds."""
    residual: bool
    """Whether the block's input is added."""

    @property
    def groups(self) -> int:
        """As many as channels in a depthwise convolution, else 1."""
        return len(self.weight) if self.weight.shape[1] == 1 else 1

    @property
    def kernel(self) -> int:
        """Side of the kernel in pixels; the input is padded by half of it on every side."""
        return self.weight.shape[-1]


@dataclass(frozen=True)
class Backbone:
    """A network up to its last block."""

    convs: tuple[FoldedConv, ...]
    mean: tuple[float, float, float]
    """Subtracted from RGB, 0..255."""
    scale: tuple[float, float, float]
    """RGB is divided by it afterwards."""


@cache
def load_backbone(name: str) -> Backbone:
    """The network `name` with its weights, fetched and verified at first use."""
    import torch

    plan = NETWORK_PLANS[name]
    state: StateDict = torch.load(weights_path(plan.weights), map_location="cpu", weights_only=True)
    convs = [_fold_batch_norm(state, "stem", _stem_keys(plan), 2, plan, clipped=True)]
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
                clipped=part != "b", opens=part == parts[0], residual=part == "b" and adds)
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
    inside = f"features.{block}.conv."
    if block == 1:  # the one block without expansion
        return (inside + "0.0", inside + "0.1") if part == "d" else (inside + "1", inside + "2")
    conv, norm = {"e": ("0.0", "0.1"), "d": ("1.0", "1.1"), "b": ("2", "3")}[part]
    return inside + conv, inside + norm


def _fold_batch_norm(
    state: StateDict, name: str, keys: tuple[str, str], stride: int, plan: NetworkPlan, *, clipped: bool,
    opens: bool = False, residual: bool = False,
) -> FoldedConv:  # fmt: skip
    conv, norm = keys
    kernel, scale, shift, mean, variance = (
        state[key].numpy()
        for key in (f"{conv}.weight", *(f"{norm}.{part}" for part in ("weight", "bias", "running_mean", "running_var")))
    )
    # Not by torch: its square root is MKL's, which rounds otherwise on AMD than on Intel.
    gain = scale / np.sqrt(variance + np.float32(plan.epsilon))
    weight, bias = kernel * gain[:, None, None, None], shift - mean * gain
    return FoldedConv(name, weight, bias, stride, clipped, opens, residual)
