"""Resampling of an initial volume from frame pixels to the grids of the reference."""

from __future__ import annotations

import torch
from torch import Tensor

from tasks.arrays import Floats
from tasks.plane_volume.bounds import compute_bounds
from tasks.plane_volume.initialisation import InitialVolume
from tasks.plane_volume.plane_layout import BACKGROUND_PLANE
from tasks.plane_volume.plane_volume import PlaneVolume
from tasks.plane_volume.volume_sampling import apply_homographies, sample_images

VELOCITY_ITERATIONS = 2  # fixed-point: a node's mid-step position depends on the velocity itself, which varies slowly


def rasterise_volume(start: InitialVolume, to_frame: Floats, device: str, seed: int = 0) -> PlaneVolume:
    """The volume on grids, with (t, k, 3, 3) homographies from the reference to each frame's pixels."""
    homographies = torch.from_numpy(to_frame).float().to(device)
    bounds = compute_bounds(to_frame, *start.opacity.shape[2:4])
    nodes = torch.from_numpy(bounds.make_nodes())[None].to(device)
    grid = start.planes, *bounds.grid_shape
    sampled = [
        sample_images(torch.from_numpy(frame)[:, None].to(device), apply_homographies(to, nodes), outside=True)
        for frame, to in zip(start.opacity, homographies, strict=True)
    ]
    opacity = torch.stack([values[..., 0].reshape(grid) for values in sampled])
    opacity[:, BACKGROUND_PLANE] = 1
    flow = torch.zeros((len(start.motion), start.planes, 2, *bounds.grid_shape), device=device)
    for step, motion in enumerate(start.motion):
        found = _node_velocity(torch.from_numpy(motion).to(device), homographies[step], homographies[step + 1], nodes)
        flow[step] = found.transpose(1, 2).reshape(flow.shape[1:])
    return PlaneVolume(bounds, homographies, flow, opacity, seed).to(device)


def _node_velocity(motion: Tensor, here: Tensor, there: Tensor, nodes: Tensor) -> Tensor:
    """(k, n, 2) mid-step velocity at nodes, reference pixels per frame, of (k, h, w, 2) motion in frame pixels."""
    images = motion.permute(0, 3, 1, 2)
    velocity = torch.zeros((len(motion), nodes.shape[1], 2), device=nodes.device)
    back = torch.linalg.inv(there.double()).float()
    for _ in range(VELOCITY_ITERATIONS):
        start = nodes - 0.5 * velocity
        pixels = apply_homographies(here, start)
        velocity = apply_homographies(back, pixels + sample_images(images, pixels)) - start
    return velocity
