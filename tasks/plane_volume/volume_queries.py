"""A fitted volume asked: how near what is seen lies, and where it is in other frames, also when it was hidden between.

A pixel is followed as a point of the plane that it shows most of.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tasks.geometry.warp import pixel_grid
from tasks.plane_volume.losses import is_inside
from tasks.plane_volume.plane_volume import PlaneVolume
from tasks.sequence.flow_trajectory import WarpField


@dataclass(frozen=True, eq=False)
class PlanePoints:
    """Some pixels of a frame, as points of one plane."""

    plane: int
    pixel: Tensor
    """(n,) index of the pixel, row by row."""
    share: Tensor
    """(n,) how much of the plane is seen there."""
    at: Tensor
    """(n, 2) in the reference."""


@dataclass(frozen=True, eq=False)
class VolumeQueries:
    """What a volume says of frames of (height, width)."""

    volume: PlaneVolume
    size: tuple[int, int]
    known: NDArray[np.bool_]
    """(t - 1,) steps that have flow."""
    _velocity: dict[int, Tensor] = field(default_factory=dict[int, Tensor], repr=False)

    def __len__(self) -> int:
        return self.volume.frames

    def nearness(self, frame: int) -> NDArray[np.float32]:
        """(h, w) ordinal depth of what is seen, 0 the backdrop, 1 the nearest plane."""
        share = self.volume.weights(frame, self._grid())
        place = torch.linspace(0, 1, self.volume.planes, device=share.device)
        return self._image((share * place[:, None]).sum(dim=0))

    def shown(self, frame: int) -> list[PlanePoints]:
        """The pixels of a frame, each as a point of the plane that it shows most of."""
        pixels = self._grid()
        share, plane = self.volume.weights(frame, pixels).max(dim=0)
        at = self.volume.onto(frame, pixels[None])
        return [
            PlanePoints(n, chosen, share[chosen], at[n, chosen])
            for n in range(self.volume.planes)
            if len(chosen := torch.nonzero(plane == n)[:, 0])
        ]

    def velocity(self, step: int) -> Tensor:
        """(k, 2, rows, columns) of the volume's nodes, from a frame to the next; made once."""
        if step not in self._velocity:
            self._velocity[step] = self.volume.velocity(step)
        return self._velocity[step]

    def moved(self, plane: int, at: Tensor, start: int, end: int) -> Tensor:
        """(n, 2) points of a plane in the reference, as they are in another frame."""
        way = 1 if end > start else -1
        for frame in range(start, end, way):
            velocity = self.velocity(min(frame, frame + way))[plane : plane + 1]
            at = self.volume.moved(at[None], velocity, way)[0]
        return at

    def landed(self, frame: int, plane: int, at: Tensor) -> tuple[Tensor, Tensor]:
        """(n, 2) pixels of a frame where points of a plane lie, and (n,) how far they are seen there."""
        pixels = self.volume.pixels(frame, at[None].expand(self.volume.planes, -1, -1))[plane]
        seen = self.volume.weights(frame, pixels)[plane]
        return pixels, seen * is_inside(pixels, self.size)

    def trail(self, frame: int, source: int) -> WarpField:
        """Where the pixels of `frame` lie in `source`, trusted as far as they are seen in both."""
        at = self._grid()
        trust = torch.zeros(len(at), device=at.device)
        for points in self.shown(frame):
            pixels, seen = self.landed(source, points.plane, self.moved(points.plane, points.at, frame, source))
            at[points.pixel] = pixels
            trust[points.pixel] = points.share * seen
        return WarpField(self._image(at), self._image(trust))

    def joined(self, start: int, end: int) -> bool:
        """Whether flow leads all the way from one frame to another."""
        return bool(self.known[min(start, end) : max(start, end)].all())

    def pixels(self, pixel: Tensor) -> Tensor:
        """(n, 2) x, y of some pixels, numbered row by row."""
        return self._grid()[pixel]

    def _grid(self) -> Tensor:
        grid = torch.from_numpy(pixel_grid(*self.size).reshape(-1, 2).copy())
        return grid.to(self.volume.low.device)

    def _image(self, values: Tensor) -> NDArray[np.float32]:
        return values.reshape(*self.size, *values.shape[1:]).float().cpu().numpy()
