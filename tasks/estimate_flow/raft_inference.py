"""RAFT at work: weights, padding, batches, both directions.

On a CPU every image is encoded alone and every direction computed alone, in float32, each by one thread: sums that
threads share would come out differently with their number. Two of them run side by side. On CUDA a run goes through as
one batch in half precision (the authors' mixed precision: encoders and updates in half, correlations in single).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
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
from tasks.threads import count_threads
from tasks.weights.fetch import weights_path

PAIRS_PER_CPU_RUN = (
    8  # pairs whose encodings are kept at a time; the number changes nothing but how often one is made twice
)
MAX_CPU_WORKERS = 2  # at most: forward and backward flow of a pair
MIN_PADDED_SIDE = 16 * CELL_SIZE  # the coarsest level of correlations needs two cells each way to be looked up in
MAX_CORRELATION_BYTES = 8 << 30  # of correlations, which grow with the square of the image's area: 69 MB at 640x360
PYRAMID_RATIO = 4 / 3  # bytes of all levels over those of the first
_loading = threading.Lock()
_accelerator_lock = threading.Lock()  # batches of several videos take turns on the accelerator

FlowEstimator = Callable[[Sequence[Image]], Iterator[tuple[FlowField, FlowField]]]


def make_raft_estimator(weights: str, iterations: int, device: str) -> FlowEstimator:
    """RAFT with `weights` (a name of the weights' catalogue) on `device`, loaded once per process."""
    with _loading:  # a cache alone would let two threads load it at once
        network = load_raft_network(weights, device)
    if device == "cpu":
        return lambda images: estimate_on_cpu(network, images, iterations)
    return lambda images: estimate_on_accelerator(network, images, iterations, torch.float16)


@cache
def load_raft_network(weights: str, device: str) -> Raft:
    """The network with the published `weights`, ready to run."""
    network = Raft(RAFT_SMALL if weights == "raft-small" else RAFT_LARGE)
    network.load_state_dict(load_published_weights(weights))
    return network.eval().requires_grad_(False).to(device)


def load_published_weights(weights: str) -> dict[str, Tensor]:
    """The authors' state: saved from a parallel wrapper, and with a norm of each shortcut listed under two names."""
    state: dict[str, Tensor] = torch.load(weights_path(weights), map_location="cpu", weights_only=True)
    # The large network's `norm3` is the very norm that stands in `downsample`; the small one's norms have no state.
    return {name.removeprefix("module."): tensor for name, tensor in state.items() if ".norm3." not in name}


def estimate_on_cpu(network: Raft, images: Sequence[Image], iterations: int) -> Iterator[tuple[FlowField, FlowField]]:
    """Flow between neighbours on a CPU."""
    frame = InputPadder.around(images[0])

    @torch.inference_mode()
    def encode(image: Image) -> RaftEncoding:
        return network.encode(frame.tensor([image]))

    @torch.inference_mode()
    def flow(first: RaftEncoding, second: RaftEncoding) -> FlowField:
        volume = correlate_all_pairs(first.features, second.features)
        return frame.fields(network.flow(first, build_correlation_pyramid(volume, *frame.cells), iterations))[0]

    with ThreadPoolExecutor(
        min(MAX_CPU_WORKERS, count_threads()), initializer=torch.set_num_threads, initargs=(1,)
    ) as pool:
        encoded = list(pool.map(encode, images))
        for first, second in pairwise(encoded):
            there, back = pool.submit(flow, first, second), pool.submit(flow, second, first)
            yield there.result(), back.result()


def estimate_on_accelerator(
    network: Raft, images: Sequence[Image], iterations: int, half: torch.dtype
) -> Iterator[tuple[FlowField, FlowField]]:
    """Flow between neighbours on an accelerator, as many pairs at once as the correlations have room for."""
    frame = InputPadder.around(images[0])
    at_once = max(1, int(MAX_CORRELATION_BYTES // frame.correlation_bytes))
    for start in range(0, len(images) - 1, at_once):
        with _accelerator_lock:
            there, back = _estimate_batch(network, frame, images[start : start + at_once + 1], iterations, half)
        yield from zip(there, back, strict=True)


@torch.inference_mode()
def _estimate_batch(
    network: Raft, frame: InputPadder, images: Sequence[Image], iterations: int, half: torch.dtype
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    device = next(network.parameters()).device
    with torch.autocast(device.type, dtype=half, enabled=half != torch.float32):
        encoded = network.encode(frame.tensor(images).to(device))
        first, second = encoded[:-1], encoded[1:]
        with torch.autocast(device.type, enabled=False):
            volume = correlate_all_pairs(first.features, second.features)
        there = network.flow(first, build_correlation_pyramid(volume, *frame.cells), iterations)
        back = network.flow(second, build_correlation_pyramid(volume.transpose(1, 2), *frame.cells), iterations)
    return frame.fields(there), frame.fields(back)


class InputPadder:
    """Images of one size, continued by their borders to sides the network can take."""

    def __init__(self, height: int, width: int) -> None:
        self.height, self.width = height, width
        rows, columns = (max(MIN_PADDED_SIDE, -(-side // CELL_SIZE) * CELL_SIZE) for side in (height, width))
        self.cells = rows // CELL_SIZE, columns // CELL_SIZE
        self.top, self.left = (rows - height) // 2, (columns - width) // 2
        self.bottom, self.right = rows - height - self.top, columns - width - self.left
        self.correlation_bytes = 4 * PYRAMID_RATIO * (self.cells[0] * self.cells[1]) ** 2
        if self.correlation_bytes > MAX_CORRELATION_BYTES:
            raise BadParams(
                f"frames must be small enough for RAFT to keep {MAX_CORRELATION_BYTES >> 30} GiB of correlations per "
                f"pair, got {width}x{height}; lower decode.max_side, or set estimate_flow.backend to dis"
            )

    @classmethod
    def around(cls, image: Image) -> InputPadder:
        """For images of this one's size."""
        return cls(*image.shape[:2])

    def tensor(self, images: Sequence[Image]) -> Tensor:
        """(n, 3, rows, columns) in [-1, 1]."""
        stacked = torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).float() / 127.5 - 1
        return F.pad(stacked, (self.left, self.right, self.top, self.bottom), mode="replicate")

    def fields(self, flow: Tensor) -> NDArray[np.float32]:
        """(n, h, w, 2) without what was added around."""
        inner = flow[:, :, self.top : self.top + self.height, self.left : self.left + self.width]
        return inner.permute(0, 2, 3, 1).contiguous().float().cpu().numpy()
