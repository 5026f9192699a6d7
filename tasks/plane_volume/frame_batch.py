"""Images and optical flow of a window of frames as tensors, the training data of the plane volume."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from tasks.arrays import Image
from tasks.sequence.frame_pair_motion import FramePairMotion

MIN_DEVIATION = 1.0  # grey levels: an image without contrast is not amplified


@dataclass(frozen=True, eq=False)
class FrameBatch:
    """Frames of one size; flow over a cut or a missing frame is zero and valid nowhere."""

    colour: Tensor
    """(t, 3, h, w) normalised to mean 0 and deviation 1 per frame and channel, against changes of illumination."""
    forward: Tensor
    """(t - 1, h, w, 2) px."""
    backward: Tensor
    """(t - 1, h, w, 2) px."""
    valid: Tensor
    """(t - 1, h, w) bool: where forward flow is valid."""
    valid_backward: Tensor
    """(t - 1, h, w) bool."""
    known: NDArray[np.bool_]
    """(t - 1,) steps that have flow."""

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        return self.colour.shape[2], self.colour.shape[3]

    def __len__(self) -> int:
        return len(self.colour)

    def get_flow(self, start: int, end: int) -> tuple[Tensor, Tensor]:
        """(h, w, 2) flow from a frame to its neighbour `end`, and (h, w) where it is valid."""
        if end > start:
            return self.forward[start], self.valid[start]
        return self.backward[end], self.valid_backward[end]

    def is_connected(self, start: int, end: int) -> bool:
        """Whether every step between two frames has flow."""
        return bool(self.known[min(start, end) : max(start, end)].all())


def make_frame_batch(images: Sequence[Image], motions: Mapping[int, FramePairMotion], device: str) -> FrameBatch:
    """The (h, w, 3) images and the motion from each to the next, where it is known."""
    height, width = images[0].shape[:2]
    steps = range(len(images) - 1)
    still, nowhere = np.zeros((height, width, 2), np.float32), np.zeros((height, width), np.bool_)
    none = FramePairMotion(still, still, nowhere, nowhere)
    each = [motions.get(n, none) for n in steps]

    def stack(values: Sequence[NDArray[np.generic]], *shape: int) -> Tensor:
        whole = np.stack(values) if values else np.zeros((0, height, width, *shape), np.float32)
        return torch.from_numpy(np.ascontiguousarray(whole)).to(device)

    return FrameBatch(
        _normalise_colour(torch.from_numpy(np.stack(images)).to(device)),
        stack([motion.forward for motion in each], 2),
        stack([motion.backward for motion in each], 2),
        stack([motion.valid for motion in each]).bool(),
        stack([motion.valid_backward for motion in each]).bool(),
        np.array([n in motions for n in steps], np.bool_),
    )


def _normalise_colour(images: Tensor) -> Tensor:
    """(t, 3, h, w) of (t, h, w, 3) grey levels: mean 0, deviation 1 per frame and channel, 3 x 3 box filter."""
    colour = images.permute(0, 3, 1, 2).float()
    mean = colour.mean(dim=(2, 3), keepdim=True)
    deviation = colour.std(dim=(2, 3), keepdim=True).clamp(min=MIN_DEVIATION)
    padded = functional.pad((colour - mean) / deviation, (1, 1, 1, 1), mode="replicate")
    return functional.avg_pool2d(padded, 3, 1)
