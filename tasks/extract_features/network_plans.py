"""Architectures of the two backbones, block by block, and the stride of each of their layers; needs no weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

StageRow = tuple[int, int, int, int, int]
"""Expansion, output channels, repeats, stride of the first, kernel: a row of the papers' tables."""
STEM_CHANNELS, STEM_STRIDE = 32, 2


@dataclass(frozen=True)
class NetworkPlan:
    """Architecture of a backbone."""

    weights: str
    stages: tuple[StageRow, ...]
    first_block: int
    epsilon: float
    mean: tuple[float, float, float]
    scale: tuple[float, float, float]


NETWORK_PLANS = {
    "mobilenet-v2": NetworkPlan(
        "mobilenet-v2",
        # Sandler et al., 2018, table 2
        ((1, 16, 1, 1, 3), (6, 24, 2, 2, 3), (6, 32, 3, 2, 3), (6, 64, 4, 2, 3), (6, 96, 3, 1, 3), (6, 160, 3, 2, 3),
         (6, 320, 1, 1, 3)),
        first_block=1,
        epsilon=1e-5,
        mean=(123.675, 116.28, 103.53),  # torchvision's, times 255
        scale=(58.395, 57.12, 57.375),
    ),
    "efficientnet-lite0": NetworkPlan(
        "efficientnet-lite0",
        # Tan and Le, 2019, table 1, without squeeze-and-excitation; the first and last stage are not scaled
        ((1, 16, 1, 1, 3), (6, 24, 2, 2, 3), (6, 40, 2, 2, 5), (6, 80, 3, 2, 3), (6, 112, 3, 1, 5), (6, 192, 4, 2, 5),
         (6, 320, 1, 1, 3)),
        first_block=0,
        epsilon=1e-3,
        mean=(127.0, 127.0, 127.0),
        scale=(128.0, 128.0, 128.0),
    ),
}  # fmt: skip


@cache
def compute_layer_strides(network: str) -> Mapping[str, int]:
    """Layer name to its stride in pixels of the network's input, in the order of the layers."""
    plan = NETWORK_PLANS[network]
    stride, block = STEM_STRIDE, plan.first_block
    found = {"stem": stride}
    for expansion, _, repeats, first_stride, _ in plan.stages:
        for repeat in range(repeats):
            if expansion > 1:
                found[f"e{block}"] = stride  # the depthwise part that follows has the block's own stride
            stride *= first_stride if repeat == 0 else 1
            found |= {f"d{block}": stride, f"b{block}": stride}
            block += 1
    return found
