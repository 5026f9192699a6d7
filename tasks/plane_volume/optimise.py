"""Optimisation of a plane volume: opacity and velocity are fitted to the frames of a window.

Adam (Kingma and Ba, 2015) on pairs of frames a few steps apart, a lattice of rays at a time. Pairs and lattices are
drawn from a seeded generator, so that the same window gives the same volume.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch.optim.lr_scheduler import LambdaLR

from tasks.arrays import Floats, Image, Matrix
from tasks.plane_volume.frame_batch import FrameBatch, make_frame_batch
from tasks.plane_volume.initialisation import initialise_volume
from tasks.plane_volume.losses import LossWeights, Rays, compute_loss
from tasks.plane_volume.plane_volume import PlaneVolume
from tasks.plane_volume.rasterise import rasterise_volume
from tasks.runtime import make_torch_pool
from tasks.sequence.frame_pair_motion import FramePairMotion

FRAME_DISTANCES = (1, 1, 2, 3, 4)  # between the two frames of a pair; neighbours twice as often
LATTICE_PX = 4  # between rays
DENSITY_RATE, VELOCITY_RATE = 0.15, 1e-2
BETAS = (0.9, 0.99)


@dataclass(frozen=True)
class VolumeTraining:
    """Length of the optimisation and weights of its losses."""

    steps: int
    planes: int
    """At most, including the background's."""
    weights: LossWeights = LossWeights()
    seed: int = 0


@dataclass(frozen=True, eq=False)
class VolumeFrames:
    """A window of frames without a cut."""

    images: Sequence[Image]
    """Their size and number count always, their colours where the volume is optimised."""
    motions: Mapping[int, FramePairMotion]
    """Of frame n of the window to the next one; steps without flow are missing."""
    cameras: Mapping[int, Matrix]
    """(3, 3) homography of frame n to the next one, for each of `motions`."""


ToFrame = Callable[[int], Floats]
"""Number of planes to the (t, planes, 3, 3) homographies from the reference to each frame."""


def fit_volume(frames: VolumeFrames, to_frame: ToFrame, training: VolumeTraining, device: str) -> PlaneVolume:
    """The volume of a window, initialised from motion layers and optimised."""
    height, width = frames.images[0].shape[:2]
    start = initialise_volume(frames.motions, frames.cameras, len(frames.images), (height, width), training.planes)
    volume = rasterise_volume(start, to_frame(start.planes), device, training.seed)
    if frames.motions and training.steps:
        batch = make_frame_batch(frames.images, frames.motions, device)
        with make_torch_pool() as pool:
            pool.submit(_optimise, volume, batch, training).result()
    return volume.requires_grad_(requires_grad=False)


def _optimise(volume: PlaneVolume, batch: FrameBatch, training: VolumeTraining) -> None:
    initial_density = volume.density.detach().clone()
    optimiser = torch.optim.Adam(
        [
            {"params": [volume.density], "lr": DENSITY_RATE},
            {"params": [volume.code, *volume.network.parameters()], "lr": VELOCITY_RATE},
        ],
        betas=BETAS,
    )
    # Constant in the first half, linear to zero in the second.
    schedule = LambdaLR(optimiser, lambda step: min(1.0, 2 * (1 - step / training.steps)))
    random = np.random.default_rng(training.seed)
    for _ in range(training.steps):
        rays = _draw_rays(random, batch, batch.colour.device)
        optimiser.zero_grad(set_to_none=True)
        compute_loss(volume, batch, rays, initial_density, training.weights).backward()
        optimiser.step()
        schedule.step()


def _draw_rays(random: np.random.Generator, batch: FrameBatch, device: torch.device) -> Rays:
    """A lattice of rays between a random pair of frames."""
    pairs = _frame_pairs(batch)
    start, end = pairs[int(random.integers(len(pairs)))]
    top, left = random.integers(LATTICE_PX, size=2)
    height, width = batch.size
    y, x = np.mgrid[min(top, height - 1) : height : LATTICE_PX, min(left, width - 1) : width : LATTICE_PX]
    return Rays(start, end, torch.from_numpy(x.ravel()).to(device), torch.from_numpy(y.ravel()).to(device))


def _frame_pairs(batch: FrameBatch) -> list[tuple[int, int]]:
    """All pairs of frames to draw from, in both directions."""
    ahead = [
        (n, n + distance)
        for distance in FRAME_DISTANCES
        for n in range(len(batch) - distance)
        if batch.is_connected(n, n + distance)
    ]
    return ahead + [(b, a) for a, b in ahead]
