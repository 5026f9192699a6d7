"""What a good volume does: each term is a mean over the rays of one pair of frames.

- photometric: where a ray's point is seen in the other frame it has the same colour there; to say that it is hidden
  costs `HIDDEN_COST`, or all would be hidden (as in occlusion-aware flow: Meister et al., "UnFlow", AAAI 2018, eq. 2).
- rendered flow: to a neighbouring frame, points go where dense flow goes, as far as it may be trusted. It is asked of
  each point by its weight, not of their mean: two planes must not share a pixel to average two motions.
- occlusion order: how much of a ray is seen in a neighbouring frame is whether its flow returns.
- conservation: opacity stays with its point, seen or not (consistency of the density along the flow).
- trust: little change of what the start says.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from tasks.plane_volume.frame_batch import FrameBatch
from tasks.plane_volume.plane_volume import PlaneVolume, composite_alpha
from tasks.plane_volume.volume_sampling import sample_images

HIDDEN_COST = 0.5  # in deviations of a picture's colours
MOST_DIFFERENT = 2.0
ROUND_PX = 0.1  # below it the flow term is square (Charbonnier et al., 1994)
SURE = 1e-3  # a ray is never quite seen, nor quite hidden


@dataclass(frozen=True)
class LossWeights:
    """Say of each term."""

    photometric: float = 3.0
    flow: float = 0.2  # the start has it all; more of it would learn the flow's errors back
    order: float = 1.0
    conservation: float = 1.0
    trust: float = 0.02


@dataclass(frozen=True, eq=False)
class Rays:
    """Some pixels of one frame, and another frame that they are looked for in."""

    start: int
    end: int
    x: Tensor
    """(n,) columns."""
    y: Tensor
    """(n,) rows."""

    @property
    def pixels(self) -> Tensor:
        """(n, 2) x, y."""
        return torch.stack([self.x, self.y], dim=1).float()


def compute_loss(volume: PlaneVolume, footage: FrameBatch, rays: Rays, begun: Tensor, weights: LossWeights) -> Tensor:
    """The sum of all terms, weighed; `begun` is the density of the start."""
    points = volume.onto(rays.start, rays.pixels[None].expand(volume.planes, -1, -1))
    opacity = volume.opacity(rays.start, points)
    share = composite_alpha(torch.cat([torch.ones_like(opacity[:1]), opacity[1:]]))
    there = volume.carried(points, rays.start, rays.end)
    pixels = volume.pixels(rays.end, there)
    seen = volume.seen(rays.end, pixels)
    total = weights.photometric * _photometric(footage, rays, share, pixels, seen)
    kept = (opacity[1:] - volume.opacity(rays.end, there)[1:]).abs().sum(dim=0).mean()
    total = total + weights.conservation * kept
    if abs(rays.end - rays.start) == 1:
        total = total + weights.flow * _flow(footage, rays, share, pixels)
        total = total + weights.order * _order(footage, rays, (share * seen).sum(dim=0))
    return total + weights.trust * (volume.density - begun).square().mean()


def _photometric(footage: FrameBatch, rays: Rays, share: Tensor, pixels: Tensor, seen: Tensor) -> Tensor:
    here = footage.colour[rays.start][:, rays.y, rays.x].T
    there = sample_images(footage.colour[rays.end][None].expand(len(pixels), -1, -1, -1), pixels)
    differs = (there - here).abs().mean(dim=-1).clamp(max=MOST_DIFFERENT)
    cost = torch.where(is_inside(pixels, footage.size), seen * differs + (1 - seen) * HIDDEN_COST, HIDDEN_COST)
    return (share * cost).sum(dim=0).mean()


def _flow(footage: FrameBatch, rays: Rays, share: Tensor, pixels: Tensor) -> Tensor:
    flow, valid = footage.step(rays.start, rays.end)
    gap = (pixels - rays.pixels - flow[rays.y, rays.x]).square().sum(dim=-1)
    return ((share * torch.sqrt(gap + ROUND_PX**2)).sum(dim=0) * valid[rays.y, rays.x]).mean()


def _order(footage: FrameBatch, rays: Rays, seen: Tensor) -> Tensor:
    flow, valid = footage.step(rays.start, rays.end)
    lands = is_inside(rays.pixels + flow[rays.y, rays.x], footage.size)
    truth = valid[rays.y, rays.x].float()
    return (functional.binary_cross_entropy(seen.clamp(SURE, 1 - SURE), truth, reduction="none") * lands).mean()


def is_inside(pixels: Tensor, size: tuple[int, int]) -> Tensor:
    """(...) whether (..., 2) pixels lie on a picture of (height, width), to half a pixel beyond its centres."""
    x, y = pixels.unbind(dim=-1)
    return (x > -0.5) & (y > -0.5) & (x < size[1] - 0.5) & (y < size[0] - 0.5)
