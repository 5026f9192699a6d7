"""The volume fitted: first its geometry and motion; what its points mean is gathered along them afterwards.

Adam (Kingma and Ba, 2015) on pairs of frames a few steps apart, a lattice of rays at a time. Pairs and lattices are
drawn by a seed, so that the same window gives the same volume.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from tasks.arrays import Image
from tasks.plane_volume.frame_batch import FrameBatch, make_frame_batch
from tasks.plane_volume.initialisation import initialise_volume
from tasks.plane_volume.losses import LossWeights, Rays, compute_loss
from tasks.plane_volume.plane_volume import PlaneVolume
from tasks.plane_volume.rasterise import rasterise_volume
from tasks.sequence.sequence_view import FramePairMotion

SPANS = (1, 1, 2, 3, 4)  # frames between the two of a pair; neighbours twice as often
LATTICE_PX = 4  # between rays
RATE_DENSITY, RATE_VELOCITY = 0.15, 1e-2
BETAS = (0.9, 0.99)


@dataclass(frozen=True)
class VolumeTraining:
    """How long, and what counts."""

    steps: int
    planes: int
    """At most, the backdrop among them."""
    weights: LossWeights = LossWeights()
    seed: int = 0


@dataclass(frozen=True, eq=False)
class VolumeFrames:
    """A window of frames without a cut."""

    images: Sequence[Image]
    motions: Mapping[int, FramePairMotion]
    """Of frame n of the window to the next one; those missing are not known."""
    cameras: Mapping[int, NDArray[np.float64]]
    """(3, 3) homography of frame n to the next one, for each of `motions`."""


ToFrame = Callable[[int], NDArray[np.float64]]
"""Number of planes to the (t, planes, 3, 3) homographies from the reference to each frame."""


def fit_volume(shot: VolumeFrames, to_frame: ToFrame, how: VolumeTraining, device: str) -> PlaneVolume:
    """The volume of a shot."""
    height, width = shot.images[0].shape[:2]
    start = initialise_volume(shot.motions, shot.cameras, len(shot.images), (height, width), how.planes)
    volume = rasterise_volume(start, to_frame(start.planes), device, how.seed)
    film = make_frame_batch(shot.images, shot.motions, device)
    if film.known.any() and how.steps:
        # Sums over one thread are the same on every machine.
        with ThreadPoolExecutor(1, initializer=torch.set_num_threads, initargs=(1,)) as pool:
            pool.submit(_fit, volume, film, how).result()
    return volume.requires_grad_(requires_grad=False)


def _fit(volume: PlaneVolume, film: FrameBatch, how: VolumeTraining) -> None:
    begun = volume.density.detach().clone()
    rates = (RATE_DENSITY, RATE_VELOCITY)
    optimiser = torch.optim.Adam(
        [
            {"params": [volume.density], "lr": rates[0]},
            {"params": [volume.code, *volume.network.parameters()], "lr": rates[1]},
        ],
        betas=BETAS,
    )
    random = np.random.default_rng(how.seed)
    for step in range(how.steps):
        for group, rate in zip(optimiser.param_groups, rates, strict=True):
            group["lr"] = rate * min(
                1.0, 2 * (1 - step / how.steps)
            )  # constant, and down to nothing in the second half
        rays = _drawn(random, film, film.colour.device)
        optimiser.zero_grad(set_to_none=True)
        compute_loss(volume, film, rays, begun, how.weights).backward()
        optimiser.step()


def _drawn(random: np.random.Generator, film: FrameBatch, device: torch.device) -> Rays:
    """A lattice of rays between two frames that flow joins."""
    pairs = _pairs(film)
    start, end = pairs[int(random.integers(len(pairs)))]
    top, left = random.integers(LATTICE_PX, size=2)
    height, width = film.size
    y, x = np.mgrid[min(top, height - 1) : height : LATTICE_PX, min(left, width - 1) : width : LATTICE_PX]
    return Rays(start, end, torch.from_numpy(x.ravel()).to(device), torch.from_numpy(y.ravel()).to(device))


def _pairs(film: FrameBatch) -> list[tuple[int, int]]:
    """All pairs of frames to draw from."""
    ahead = [(n, n + span) for span in SPANS for n in range(len(film) - span) if film.joined(n, n + span)]
    return ahead + [(b, a) for a, b in ahead]
