"""RAFT inference: weights, padding, batches, both flow directions.

On a CPU every image is encoded alone and every direction computed alone, in float32, each by one thread: sums shared by
several threads would depend on their number. Two of them run in parallel. On CUDA a run is one batch in half precision
(the authors' mixed precision: encoders and updates in half, correlations in single).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from tasks.arrays import FlowField, Image
from tasks.errors import BadParams
from tasks.estimate_flow.raft_layers import RAFT_LARGE, RAFT_SMALL
from tasks.estimate_flow.raft_network import (
    CELL_SIZE,
    Raft,
    RaftEncoding,
    build_correlation_pyramid,
    correlate_all_pairs,
)
from tasks.runtime import load_once, make_torch_pool
from tasks.threads import count_threads
from tasks.weights.fetch import weights_path

PAIRS_PER_CPU_RUN = 8  # pairs whose encodings are kept at once; it affects only how often an image is encoded twice
MAX_CPU_WORKERS = 2  # forward and backward flow of a pair
MIN_PADDED_SIDE = 16 * CELL_SIZE  # the coarsest level of correlations needs two cells along each axis
MAX_CORRELATION_BYTES = 8 << 30  # they grow with the square of the image's area: 69 MB at 640x360
PYRAMID_RATIO = 4 / 3  # bytes of all levels over those of the first
_accelerator_lock = threading.Lock()  # one batch at a time on the accelerator

FlowEstimator = Callable[[Sequence[Image]], Iterator[tuple[FlowField, FlowField]]]


def make_raft_estimator(weights: str, iterations: int, device: str) -> FlowEstimator:
    """Estimator by RAFT with `weights` (a name in the weights' catalogue) on `device`, loaded once per process."""
    network = load_raft_network(weights, device)
    if device == "cpu":
        return lambda images: estimate_on_cpu(network, images, iterations)
    return lambda images: estimate_on_accelerator(network, images, iterations, torch.float16)


@load_once
def load_raft_network(weights: str, device: str) -> Raft:
    """The network with the published `weights`, in evaluation mode on `device`."""
    network = Raft(RAFT_SMALL if weights == "raft-small" else RAFT_LARGE)
    network.load_state_dict(load_published_weights(weights))
    return network.eval().requires_grad_(False).to(device)


def load_published_weights(weights: str) -> dict[str, Tensor]:
    """The authors' state dict, without the prefix of its parallel wrapper and without norms listed twice."""
    state: dict[str, Tensor] = torch.load(weights_path(weights), map_location="cpu", weights_only=True)
    # The large network's `norm3` is the same norm as in `downsample`; the small one's norms have no state.
    return {name.removeprefix("module."): tensor for name, tensor in state.items() if ".norm3." not in name}


def estimate_on_cpu(network: Raft, images: Sequence[Image], iterations: int) -> Iterator[tuple[FlowField, FlowField]]:
    """Forward and backward flow of neighbouring images on a CPU."""
    padder = InputPadder.for_image(images[0])

    @torch.inference_mode()
    def encode(image: Image) -> RaftEncoding:
        return network.encode_images(padder.pad_images([image]))

    @torch.inference_mode()
    def flow(first: RaftEncoding, second: RaftEncoding) -> FlowField:
        volume = correlate_all_pairs(first.features, second.features)
        return padder.crop_flow(
            network.estimate_flow(first, build_correlation_pyramid(volume, *padder.cells), iterations)
        )[0]

    with make_torch_pool(min(MAX_CPU_WORKERS, count_threads())) as pool:
        encoded = list(pool.map(encode, images))
        for first, second in pairwise(encoded):
            forward, backward = pool.submit(flow, first, second), pool.submit(flow, second, first)
            yield forward.result(), backward.result()


def estimate_on_accelerator(
    network: Raft, images: Sequence[Image], iterations: int, half: torch.dtype
) -> Iterator[tuple[FlowField, FlowField]]:
    """Forward and backward flow of neighbouring images on an accelerator, in batches within MAX_CORRELATION_BYTES."""
    padder = InputPadder.for_image(images[0])
    pairs_per_batch = max(1, int(MAX_CORRELATION_BYTES // padder.correlation_bytes))
    for start in range(0, len(images) - 1, pairs_per_batch):
        with _accelerator_lock:
            forward, backward = _estimate_batch(
                network, padder, images[start : start + pairs_per_batch + 1], iterations, half
            )
        yield from zip(forward, backward, strict=True)


@torch.inference_mode()
def _estimate_batch(
    network: Raft, padder: InputPadder, images: Sequence[Image], iterations: int, half: torch.dtype
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    device = next(network.parameters()).device
    with torch.autocast(device.type, dtype=half, enabled=half != torch.float32):
        encoded = network.encode_images(padder.pad_images(images, device))
        first, second = encoded[:-1], encoded[1:]
        with torch.autocast(device.type, enabled=False):
            volume = correlate_all_pairs(first.features, second.features)
        forward = network.estimate_flow(first, build_correlation_pyramid(volume, *padder.cells), iterations)
        backward = network.estimate_flow(
            second, build_correlation_pyramid(volume.transpose(1, 2), *padder.cells), iterations
        )
    return padder.crop_flow(forward), padder.crop_flow(backward)


class InputPadder:
    """Replicate padding of images of one size to sides that the network accepts."""

    def __init__(self, height: int, width: int) -> None:
        self.height, self.width = height, width
        rows, columns = (max(MIN_PADDED_SIDE, -(-side // CELL_SIZE) * CELL_SIZE) for side in (height, width))
        self.cells = rows // CELL_SIZE, columns // CELL_SIZE
        self.top, self.left = (rows - height) // 2, (columns - width) // 2
        self.bottom, self.right = rows - height - self.top, columns - width - self.left
        self.correlation_bytes = 4 * PYRAMID_RATIO * (self.cells[0] * self.cells[1]) ** 2
        if self.correlation_bytes > MAX_CORRELATION_BYTES:
            raise BadParams(
                f"padders must be small enough for RAFT to keep {MAX_CORRELATION_BYTES >> 30} GiB of correlations per "
                f"pair, got {width}x{height}; lower decode.max_side, or set estimate_flow.backend to dis"
            )

    @classmethod
    def for_image(cls, image: Image) -> InputPadder:
        """The padding for images of the size of `image`."""
        return cls(*image.shape[:2])

    def pad_images(self, images: Sequence[Image], device: torch.device | None = None) -> Tensor:
        """(n, 3, rows, columns) padded images in [-1, 1] on `device` (default: the CPU), where they go as bytes."""
        stacked = torch.from_numpy(np.stack(images)).to(device).permute(0, 3, 1, 2).float() / 127.5 - 1
        return F.pad(stacked, (self.left, self.right, self.top, self.bottom), mode="replicate")

    def crop_flow(self, flow: Tensor) -> NDArray[np.float32]:
        """(n, h, w, 2) flow without the padding."""
        inner = flow[:, :, self.top : self.top + self.height, self.left : self.left + self.width]
        return inner.permute(0, 2, 3, 1).contiguous().float().cpu().numpy()
