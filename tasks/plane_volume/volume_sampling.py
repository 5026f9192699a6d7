"""Points under homographies, and values between pixels."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def apply_homographies(ways: Tensor, points: Tensor) -> Tensor:
    """(k, n, 2) points under (k, 3, 3) homographies."""
    moved = points @ ways[:, :2, :2].transpose(1, 2) + ways[:, None, :2, 2]
    scale = points @ ways[:, 2, :2, None] + ways[:, 2, 2, None, None]
    return moved / scale


def sample_images(images: Tensor, pixels: Tensor, *, outside: bool = False) -> Tensor:
    """(k, n, c) bilinear values of (k, c, h, w) images at (k, n, 2) pixels; beyond the border 0, or the nearest."""
    height, width = images.shape[-2:]
    size = torch.tensor([max(1, width - 1), max(1, height - 1)], device=images.device)
    place = 2 * pixels / size - 1
    mode = "zeros" if outside else "border"
    values = functional.grid_sample(images, place[:, None], align_corners=True, padding_mode=mode)
    return values[:, :, 0].transpose(1, 2)
