"""R3D-18 and R(2+1)D-18: smaller video networks with torchvision's weights.

Tran et al., "A Closer Look at Spatiotemporal Convolutions", CVPR 2018, https://arxiv.org/abs/1711.11248; networks and
input scaling are torchvision's. Published on clips of 16 frames at 15 per second, 112 x 112.
No package contains these weights: the user supplies the file and its SHA-256, which is part of the cache key.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tasks.errors import SemflowError
from tasks.runtime import load_once
from tasks.streams.clip_network import ClipNetwork
from tasks.streams.kinetics_labels import load_kinetics_labels
from tasks.yolo.torchvision_ops import make_torchvision_importable

VideoResNetName = Literal["r3d_18", "r2plus1d_18"]
INPUT_SIDE = 112
MEAN, SCALE = (0.43216, 0.394666, 0.37645), (0.22803, 0.22145, 0.216989)  # torchvision's, of Kinetics-400


@load_once
def load_video_resnet(kind: VideoResNetName, file: Path, sha256: str, device: str) -> ClipNetwork:
    """The network `kind` with the weights in `file`, which must have `sha256`; once per process."""
    if not file.is_file():
        raise SemflowError(
            f"classify.network_file must be a file with torchvision's weights of {kind}, got {file}, which is not "
            "there; download it from https://download.pytorch.org/models, or set classify.network to i3d"
        )
    actual = hashlib.sha256(file.read_bytes()).hexdigest()
    if actual != sha256:
        raise SemflowError(f"classify.network_sha256 must be the sha256 of {file.name}, {actual}, got {sha256}")
    state: dict[str, Any] = torch.load(file, map_location="cpu", weights_only=True)
    return build_video_resnet(kind, state, file.name, device)


def build_video_resnet(kind: VideoResNetName, state: dict[str, Any], name: str, device: str) -> ClipNetwork:
    """The network `kind` with `state`, torchvision's own names; `name` says in errors where it came from."""
    make_torchvision_importable()
    from torchvision.models import video

    with torch.device("meta"):  # random first weights would take longer than reading the real ones
        network: Any = getattr(video, kind)(weights=None)
    if state.keys() != network.state_dict().keys():
        raise SemflowError(f"{name} must hold torchvision's weights of {kind}, got those of another network")
    network.load_state_dict(state, assign=True)
    trunk = nn.Sequential(network.stem, network.layer1, network.layer2, network.layer3, network.layer4)
    return ClipNetwork(
        trunk=trunk,
        preprocess=preprocess_clips,
        pool=lambda maps: maps.mean(dim=(2, 3, 4)),
        head=network.fc,
        labels=load_kinetics_labels(),
        device=device,
    )


def preprocess_clips(x: Tensor) -> Tensor:
    """(n, 3, t, 224, 224) pixels 0..255 to the normalised (n, 3, t, 112, 112) of these networks."""
    small = F.avg_pool3d(x, (1, x.shape[3] // INPUT_SIDE, x.shape[4] // INPUT_SIDE))
    mean, scale = (torch.tensor(v, device=x.device).view(1, 3, 1, 1, 1) for v in (MEAN, SCALE))
    return (small / 255 - mean) / scale
