"""The volume of a start: what layers say on the pixels of frames, laid on the grids of the reference."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tasks.plane_volume.bounds import compute_bounds
from tasks.plane_volume.initialisation import InitialVolume
from tasks.plane_volume.plane_layout import BACKGROUND_PLANE
from tasks.plane_volume.plane_volume import PlaneVolume
from tasks.plane_volume.volume_sampling import apply_homographies, sample_images

ROUNDS = 3  # in which a node's velocity is found: what is half-way there set out half a step before it


def rasterise_volume(start: InitialVolume, to_frame: NDArray[np.float64], device: str, seed: int = 0) -> PlaneVolume:
    """The volume with (t, k, 3, 3) homographies from the reference to each frame's pixels."""
    ways = torch.from_numpy(to_frame).float().to(device)
    box = compute_bounds(to_frame, *start.opacity.shape[2:4])
    nodes = torch.from_numpy(box.places())[None].to(device)
    grid = start.planes, *box.nodes()
    opacity = torch.stack([
        sample_images(torch.from_numpy(seen)[:, None].to(device), apply_homographies(way, nodes), outside=True)[..., 0].reshape(grid)
        for seen, way in zip(start.opacity, ways, strict=True)
    ])  # fmt: skip
    opacity[:, BACKGROUND_PLANE] = 1
    flow = torch.zeros((len(start.motion), start.planes, 2, *box.nodes()), device=device)
    for step, motion in enumerate(start.motion):
        found = _velocity(torch.from_numpy(motion).to(device), ways[step], ways[step + 1], nodes)
        flow[step] = found.transpose(1, 2).reshape(flow.shape[1:])
    return PlaneVolume(box, ways, flow, opacity, seed).to(device)


def _velocity(motion: Tensor, here: Tensor, there: Tensor, nodes: Tensor) -> Tensor:
    """(k, n, 2) reference pixels per frame at nodes, half-way between the frames, of (k, h, w, 2) motion in pixels."""
    images = motion.permute(0, 3, 1, 2)
    velocity = torch.zeros((len(motion), nodes.shape[1], 2), device=nodes.device)
    back = torch.linalg.inv(there.double()).float()
    for _ in range(ROUNDS):
        begun = nodes - 0.5 * velocity
        pixels = apply_homographies(here, begun)
        velocity = apply_homographies(back, pixels + sample_images(images, pixels)) - begun
    return velocity
