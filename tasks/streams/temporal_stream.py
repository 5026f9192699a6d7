"""The temporal stream: MobileNetV2 up to the expansion of block 11, on stacks of ten flow fields.

Simonyan and Zisserman (2014) train such a network from scratch; Wang et al., "Temporal Segment Networks" (ECCV 2016),
section 3.2, initialise it across modalities from ImageNet: the first layer's kernels, averaged over RGB, are repeated
for every flow channel, all other layers are copied. Their networks are larger; this one has 280,000 weights, .6 MB in
float16, and runs on a CPU."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from tasks.artifacts.action_model import TemporalStream
from tasks.errors import SemflowError
from tasks.runtime import make_torch_pool
from tasks.streams.flow_stack import STACK_CHANNELS, FlowStacks, reverse_stacks
from tasks.streams.mobilenet_v2 import STEM_CHANNELS, MobileNetTrunk, load_imagenet_state

LAST_BLOCK = 11  # the block whose expansion ends the trunk: stride 16
MAP_CHANNELS = 384  # of that expansion
MAP_STRIDE = 16  # pixels of a stack per cell of the last layer
CUDA_BATCH = 64  # stacks at once on an accelerator
_STEM = "features.0.0.weight"
_loading = threading.Lock()


def build_flow_trunk() -> MobileNetTrunk:
    """The network without weights."""
    return MobileNetTrunk(STACK_CHANNELS, LAST_BLOCK)


def init_cross_modality() -> MobileNetTrunk:
    """The network with ImageNet's weights, the first layer's averaged over RGB and repeated for every flow channel."""
    trunk = build_flow_trunk()
    state = load_imagenet_state(trunk)
    state[_STEM] = state[_STEM].mean(dim=1, keepdim=True).expand(STEM_CHANNELS, STACK_CHANNELS, -1, -1)
    trunk.load_state_dict(state)
    return trunk


def trunk_to_arrays(trunk: nn.Module) -> dict[str, NDArray[Any]]:
    """The network's state for the artifact, convolutions in float16."""
    kept: dict[str, NDArray[Any]] = {}
    for name, value in trunk.state_dict().items():
        if not name.endswith("num_batches_tracked"):
            array = value.detach().cpu().numpy()
            kept[name] = array.astype(np.float16) if array.ndim == 4 else array.astype(np.float32)  # noqa: PLR2004  weights of a convolution
    return kept


def trunk_from_arrays(arrays: Mapping[str, NDArray[Any]]) -> MobileNetTrunk:
    """The network with the state that `to_arrays` gave."""
    trunk = build_flow_trunk()
    state = {name: torch.from_numpy(np.asarray(value, np.float32)) for name, value in arrays.items()}
    missing = [n for n in trunk.load_state_dict(state, strict=False).missing_keys if "num_batches" not in n]
    if missing:
        raise SemflowError(f"the temporal network must have all its layers, got none for {missing[0]}")
    return trunk


def extract_temporal_features(
    stream: TemporalStream, stacks: FlowStacks, device: str = "cpu", *, both_ways: bool = False
) -> NDArray[np.float32]:
    """(n, 384) features of (n, 20, side, side) stacks; `both_ways`: (n, 768), those of the stacks backwards last."""
    maps = compute_temporal_maps(stream, stacks, device, both_ways=both_ways)
    return maps.mean(axis=(2, 3), dtype=np.float64).astype(np.float32)


def compute_temporal_maps(
    stream: TemporalStream, stacks: FlowStacks, device: str = "cpu", *, both_ways: bool = False
) -> NDArray[np.float32]:
    """(n, 384, rows, columns) last feature map, a cell per 16 pixels; its mean is the input of the head.

    With `both_ways` (n, 768, rows, columns): the channels of the stacks, then those of the stacks played backwards.

    On a CPU every stack is computed alone by one thread: results are the same for any number of stacks and threads.
    """
    if both_ways:
        found = [compute_temporal_maps(stream, each, device) for each in (stacks, reverse_stacks(stacks))]
        return np.concatenate(found, axis=1)
    network = _load_temporal_network(stream, device)
    if device == "cpu":
        with make_torch_pool() as pool:
            found = list(pool.map(lambda n: _run(network, stacks[n : n + 1], device), range(len(stacks))))
    else:
        found = [_run(network, stacks[n : n + CUDA_BATCH], device) for n in range(0, len(stacks), CUDA_BATCH)]
    cells = -(-stacks.shape[-1] // MAP_STRIDE)
    return np.concatenate([np.empty((0, MAP_CHANNELS, cells, cells), np.float32), *found])


def _load_temporal_network(stream: TemporalStream, device: str) -> nn.Module:
    """The network of `stream`, normalisation folded in, built once per stream and device."""
    with _loading:
        return _build_temporal_network(stream, device)


@lru_cache(maxsize=2)
def _build_temporal_network(stream: TemporalStream, device: str) -> nn.Module:
    trunk = trunk_from_arrays(stream.trunk).eval().requires_grad_(False)
    _fold_batch_norm(trunk)
    return trunk.features.to(torch.device(device))


def _fold_batch_norm(module: nn.Module) -> None:
    """Fold every normalisation into the convolution before it."""
    for child in module.children():
        _fold_batch_norm(child)
    if isinstance(module, nn.Sequential):
        for place, (first, second) in enumerate(pairwise(list(module))):
            if isinstance(first, nn.Conv2d) and isinstance(second, nn.BatchNorm2d):
                module[place], module[place + 1] = fuse_conv_bn_eval(first, second), nn.Identity()


@torch.inference_mode()
def _run(network: nn.Module, stacks: FlowStacks, device: str) -> NDArray[np.float32]:
    x = torch.from_numpy(stacks).to(device).contiguous(memory_format=torch.channels_last)
    found: Tensor = network(x)
    return found.contiguous().cpu().numpy()
