"""Homographies of points, and bilinear sampling at points, on tensors."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def apply_homographies(homographies: Tensor, points: Tensor) -> Tensor:
    """(k, n, 2) points after (k, 3, 3) homographies."""
    moved = points @ homographies[:, :2, :2].transpose(1, 2) + homographies[:, None, :2, 2]
    scale = points @ homographies[:, 2, :2, None] + homographies[:, 2, 2, None, None]
    return moved / scale


def sample_images(images: Tensor, pixels: Tensor, *, outside: bool = False) -> Tensor:
    """(k, n, c) bilinear values of (k, c, h, w) images at (k, n, 2) pixels.

    Beyond the border they are the nearest value, or 0 with `outside`.
    """
    height, width = images.shape[-2:]
    size = torch.tensor([max(1, width - 1), max(1, height - 1)], device=images.device)
    return sample_grid(images, 2 * pixels / size - 1, "zeros" if outside else "border")


def sample_grid(grids: Tensor, positions: Tensor, padding_mode: str = "border") -> Tensor:
    """(k, n, c) bilinear values of (k, c, rows, columns) grids at (k, n, 2) positions in -1..1 (grid_sample)."""
    values = functional.grid_sample(grids, positions[:, None], align_corners=True, padding_mode=padding_mode)
    return values[:, :, 0].transpose(1, 2)
