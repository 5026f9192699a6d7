"""Training losses of the plane volume: each term is a mean over the rays of one pair of frames.

- photometric: where a ray's point is visible in the other frame, both colours must agree; an occluded point costs
  `OCCLUSION_COST`, or all would be occluded (as in occlusion-aware flow: Meister et al., "UnFlow", AAAI 2018, eq. 2).
- rendered flow: to a neighbouring frame, points must move as the dense flow does, where that is valid. Each point is
  penalised by its ray weight, not their mean: two planes must not share a pixel to average two motions.
- occlusion order: the visible part of a ray in a neighbouring frame must match the flow's validity mask.
- conservation: opacity stays constant along a point's trajectory, visible or not (consistency of the density).
- trust: L2 penalty on the change of density since the initialisation.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from tasks.plane_volume.frame_batch import FrameBatch
from tasks.plane_volume.plane_volume import PlaneVolume, composite_alpha
from tasks.plane_volume.volume_sampling import sample_images

OCCLUSION_COST = 0.5  # in deviations of a frame's colours
MAX_COLOUR_DIFFERENCE = 2.0
CHARBONNIER_PX = 0.1  # below it the flow term is quadratic (Charbonnier et al., 1994)
VISIBILITY_MARGIN = 1e-3  # visibility is clamped to this distance from 0 and 1 in the cross-entropy


@dataclass(frozen=True)
class LossWeights:
    """Weight of each term."""

    photometric: float = 3.0
    flow: float = 0.2  # the initialisation has the flow; more weight would learn the flow's errors back
    order: float = 1.0
    conservation: float = 1.0
    trust: float = 0.02


@dataclass(frozen=True, eq=False)
class Rays:
    """Some pixels of frame `start`, and the frame `end` that they are compared with."""

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


def compute_loss(
    volume: PlaneVolume, batch: FrameBatch, rays: Rays, initial_density: Tensor, weights: LossWeights
) -> Tensor:
    """The weighted sum of all terms."""
    points = volume.unproject_pixels(rays.start, rays.pixels[None].expand(volume.planes, -1, -1))
    opacity = volume.sample_opacity(rays.start, points)
    share = composite_alpha(torch.cat([torch.ones_like(opacity[:1]), opacity[1:]]))
    there = volume.advect_points(points, rays.start, rays.end)
    pixels = volume.project_points(rays.end, there)
    visible = volume.compute_visibility(rays.end, pixels)
    total = weights.photometric * _photometric_term(batch, rays, share, pixels, visible)
    change = (opacity[1:] - volume.sample_opacity(rays.end, there)[1:]).abs().sum(dim=0).mean()
    total = total + weights.conservation * change
    if abs(rays.end - rays.start) == 1:
        total = total + weights.flow * _flow_term(batch, rays, share, pixels)
        total = total + weights.order * _order_term(batch, rays, (share * visible).sum(dim=0))
    return total + weights.trust * (volume.density - initial_density).square().mean()


def _photometric_term(batch: FrameBatch, rays: Rays, share: Tensor, pixels: Tensor, visible: Tensor) -> Tensor:
    here = batch.colour[rays.start][:, rays.y, rays.x].T
    there = sample_images(batch.colour[rays.end][None].expand(len(pixels), -1, -1, -1), pixels)
    difference = (there - here).abs().mean(dim=-1).clamp(max=MAX_COLOUR_DIFFERENCE)
    cost = visible * difference + (1 - visible) * OCCLUSION_COST
    cost = torch.where(is_inside(pixels, batch.size), cost, OCCLUSION_COST)
    return (share * cost).sum(dim=0).mean()


def _flow_term(batch: FrameBatch, rays: Rays, share: Tensor, pixels: Tensor) -> Tensor:
    flow, valid = batch.get_flow(rays.start, rays.end)
    gap = (pixels - rays.pixels - flow[rays.y, rays.x]).square().sum(dim=-1)
    return ((share * torch.sqrt(gap + CHARBONNIER_PX**2)).sum(dim=0) * valid[rays.y, rays.x]).mean()


def _order_term(batch: FrameBatch, rays: Rays, visible: Tensor) -> Tensor:
    flow, valid = batch.get_flow(rays.start, rays.end)
    lands = is_inside(rays.pixels + flow[rays.y, rays.x], batch.size)
    truth = valid[rays.y, rays.x].float()
    clamped = visible.clamp(VISIBILITY_MARGIN, 1 - VISIBILITY_MARGIN)
    return (functional.binary_cross_entropy(clamped, truth, reduction="none") * lands).mean()


def is_inside(pixels: Tensor, size: tuple[int, int]) -> Tensor:
    """(...) whether (..., 2) pixels lie on an image of (height, width), pixel borders included."""
    x, y = pixels.unbind(dim=-1)
    return (x > -0.5) & (y > -0.5) & (x < size[1] - 0.5) & (y < size[0] - 0.5)  # noqa: PLR2004  half a pixel beyond the outermost centres
