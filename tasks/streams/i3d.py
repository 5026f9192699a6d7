"""I3D RGB: features and Kinetics-400 logits of video clips.

Carreira and Zisserman, "Quo Vadis, Action Recognition?", CVPR 2017, https://arxiv.org/abs/1705.07750, with the authors'
published weights, trained on ImageNet and Kinetics-400. Clips are 25 frames per second; any number of frames is
accepted."""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tasks.runtime import load_once
from tasks.streams.clip_network import ClipNetwork
from tasks.streams.i3d_layers import InceptionBlock, MaxPool3DSame, Unit3D
from tasks.streams.i3d_weights import build_state_dict, read_arrays
from tasks.streams.kinetics_labels import load_kinetics_labels
from tasks.weights.fetch import weights_path

I3D_WEIGHTS = "i3d-kinetics-400"
FEATURE_COUNT = 1024
MIXED_WIDTHS = {
    "Mixed_3b": (64, 96, 128, 16, 32, 32), "Mixed_3c": (128, 128, 192, 32, 96, 64),
    "Mixed_4b": (192, 96, 208, 16, 48, 64), "Mixed_4c": (160, 112, 224, 24, 64, 64),
    "Mixed_4d": (128, 128, 256, 24, 64, 64), "Mixed_4e": (112, 144, 288, 32, 64, 64),
    "Mixed_4f": (256, 160, 320, 32, 128, 128), "Mixed_5b": (256, 160, 320, 32, 128, 128),
    "Mixed_5c": (384, 192, 384, 48, 128, 128),
}  # fmt: skip
"""The widths of GoogLeNet (Szegedy et al., CVPR 2015, table 1)."""


class I3DNetwork(nn.Module):
    """Trunk and head; the trunk's blocks have the authors' names, as in the published weights."""

    def __init__(self) -> None:
        super().__init__()
        blocks: OrderedDict[str, nn.Module] = OrderedDict()
        blocks["Conv3d_1a_7x7"] = Unit3D(3, 64, kernel=7, stride=2)
        blocks["MaxPool3d_2a_3x3"] = MaxPool3DSame((1, 3, 3), (1, 2, 2))
        blocks["Conv3d_2b_1x1"] = Unit3D(64, 64)
        blocks["Conv3d_2c_3x3"] = Unit3D(64, 192, kernel=3)
        blocks["MaxPool3d_3a_3x3"] = MaxPool3DSame((1, 3, 3), (1, 2, 2))
        channels = 192
        for name, widths in MIXED_WIDTHS.items():
            if name == "Mixed_4b":
                blocks["MaxPool3d_4a_3x3"] = MaxPool3DSame((3, 3, 3), (2, 2, 2))
            if name == "Mixed_5b":
                blocks["MaxPool3d_5a_2x2"] = MaxPool3DSame((2, 2, 2), (2, 2, 2))
            mixed = InceptionBlock(channels, widths)
            blocks[name], channels = mixed, mixed.outputs
        self.trunk = nn.Sequential(blocks)
        self.head = nn.Linear(FEATURE_COUNT, len(load_kinetics_labels()))


class I3D(ClipNetwork):
    """The network ready to run: maps are (n, 1024, t / 8, 7, 7), features (n, 1024), logits (n, 400)."""

    def __init__(self, network: I3DNetwork, device: str) -> None:
        if device == "cpu":  # a fifth of the time less; on CUDA the direct convolution is faster
            for part in network.trunk.modules():
                if isinstance(part, Unit3D):
                    part.use_winograd()
        super().__init__(
            trunk=network.trunk,
            preprocess=scale_pixels,
            pool=pool_features,
            head=network.head,
            labels=load_kinetics_labels(),
            device=device,
        )


def scale_pixels(x: Tensor) -> Tensor:
    """Pixels 0..255 to -1..1."""
    return x / 127.5 - 1


def pool_features(maps: Tensor) -> Tensor:
    """(n, 1024) means of (n, 1024, t, h, w): over pairs in time and all of space, then over the pairs."""
    pair = min(2, maps.shape[2])
    return F.avg_pool3d(maps, (pair, *maps.shape[3:]), stride=1).mean(dim=(2, 3, 4))


@load_once
def load_i3d(device: str) -> I3D:
    """I3D with the published weights on `device` (`cpu` or `cuda:N`), once per process."""
    with torch.device("meta"):  # random first weights would take longer than reading the real ones
        network = I3DNetwork()
    network.load_state_dict(build_state_dict(read_arrays(weights_path(I3D_WEIGHTS)), network), assign=True)
    return I3D(network, device)
