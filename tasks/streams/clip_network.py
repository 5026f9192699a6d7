"""A video classification network ready to run: a trunk, a mean over its last feature map, and a linear head.

On a CPU every clip is computed alone by one thread, so that sums come out the same whatever the machine's number of
processors; two clips run side by side where there are two. On CUDA clips go through in batches, in half precision.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tasks.arrays import Vectors
from tasks.runtime import make_torch_pool
from tasks.streams.video_clips import VideoClip
from tasks.threads import count_threads

MAX_PARALLEL_CLIPS = 2  # clips at once on a CPU at most
CUDA_BATCH = 8  # clips at once on CUDA: one of 64 frames takes about a gigabyte


class ClipNetwork:
    """One network on one device; `preprocess` scales pixels, `pool` averages maps."""

    def __init__(
        self,
        *,
        trunk: nn.Module,
        preprocess: Callable[[Tensor], Tensor],
        pool: Callable[[Tensor], Tensor],
        head: nn.Linear,
        labels: tuple[str, ...],
        device: str,
    ) -> None:
        self._trunk = trunk.eval().requires_grad_(False).to(torch.device(device))
        for part in self._trunk.parameters():
            part.data = part.data.contiguous(memory_format=torch.channels_last_3d) if part.ndim == 5 else part.data  # noqa: PLR2004  weights of a 3D convolution
        self._preprocess = preprocess
        self.pool = pool
        """(n, d, t, h, w) last maps to (n, d) features."""
        self.weights: Vectors = head.weight.detach().numpy().T.copy()
        """(d, labels) of the head."""
        self.bias: Vectors = head.bias.detach().numpy()
        """(labels,)."""
        self.labels = labels
        self._device = device

    def extract_features(self, clips: Iterable[VideoClip]) -> Vectors:
        """(n, d) pooled feature maps of n clips: the inputs of a linear head."""
        found = [self.pool(maps).numpy() for maps in self.compute_maps(clips)]
        return np.concatenate([np.empty((0, len(self.weights)), np.float32), *found])

    def compute_logits(self, clips: Iterable[VideoClip]) -> Vectors:
        """(n, labels) logits of the labels that the network was trained on."""
        return compute_linear_logits(self.extract_features(clips), self.weights, self.bias)

    def compute_maps(self, clips: Iterable[VideoClip]) -> Iterator[Tensor]:
        """(1, d, t, h, w) last feature map of each clip, lazily, on the CPU in single precision."""
        waiting = iter(clips)
        if self._device == "cpu":
            at_once = min(MAX_PARALLEL_CLIPS, count_threads())
            with make_torch_pool(at_once) as pool:
                while some := list(islice(waiting, at_once)):
                    yield from pool.map(lambda clip: self._run([clip]), some)
        else:
            while some := list(islice(waiting, CUDA_BATCH)):
                yield from self._run(some).split(1)

    @torch.inference_mode()
    def _run(self, clips: list[VideoClip]) -> Tensor:
        x = torch.from_numpy(np.stack(clips)).to(self._device).permute(0, 4, 1, 2, 3).float()
        x = self._preprocess(x).contiguous(memory_format=torch.channels_last_3d)
        with torch.autocast(self._device.partition(":")[0], torch.float16, enabled=self._device != "cpu"):
            return self._trunk(x).float().cpu()


def compute_linear_logits(features: Vectors, weights: Vectors, bias: Vectors) -> Vectors:
    """(n, labels) logits of (n, d) features by (d, labels) weights; a row does not depend on the other rows."""
    # A BLAS product would depend on the number of rows and threads; here it costs half a millisecond a row.
    return np.einsum("nd,dl->nl", features, weights) + bias


def make_torch_head(weights: Vectors, bias: Vectors) -> Callable[[Tensor], Tensor]:
    """The same linear head for tensors, differentiable: (n, d) to (n, labels) logits."""
    weight, offset = torch.from_numpy(weights.T.copy()), torch.from_numpy(bias)
    return lambda features: F.linear(features, weight, offset)
