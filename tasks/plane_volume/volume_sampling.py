"""Homographies of points, and bilinear sampling at points, on tensors."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def apply_homographies(homographies: Tensor, points: Tensor) -> Tensor:
    """(k, n, 2) points after (k, 3, 3) homographies."""
    # Written out: a product of many points with tiny matrices takes several times as long.
    x, y = points.unbind(-1)
    row = homographies[..., None].unbind(1)
    across, down, scale = (part[:, 0] * x + part[:, 1] * y + part[:, 2] for part in row)
    return torch.stack([across / scale, down / scale], dim=-1)


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
