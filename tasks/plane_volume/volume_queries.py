"""Queries of a fitted plane volume: nearness of each pixel, and its position in other frames, also across occlusions.

A pixel is tracked as a point of the plane with the largest ray weight there.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tasks.arrays import Floats32
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
    """(n,) ray weight of the plane there."""
    positions: Tensor
    """(n, 2) in the reference."""


@dataclass(frozen=True, eq=False)
class VolumeQueries:
    """A volume on frames of (height, width)."""

    volume: PlaneVolume
    size: tuple[int, int]
    known: NDArray[np.bool_]
    """(t - 1,) steps that have flow."""
    _velocity: dict[int, Tensor] = field(default_factory=dict[int, Tensor], repr=False)

    def __len__(self) -> int:
        return self.volume.frames

    def render_nearness(self, frame: int) -> Floats32:
        """(h, w) ordinal depth of the visible surface, 0 the background, 1 the nearest plane."""
        share = self.volume.compute_ray_weights(frame, self._pixel_grid())
        place = torch.linspace(0, 1, self.volume.planes, device=share.device)
        return self._to_image((share * place[:, None]).sum(dim=0))

    def find_visible_points(self, frame: int) -> list[PlanePoints]:
        """The pixels of a frame, each as a point of the plane with the largest ray weight."""
        pixels = self._pixel_grid()
        share, plane = self.volume.compute_ray_weights(frame, pixels).max(dim=0)
        positions = self.volume.unproject_pixels(frame, pixels[None])
        return [
            PlanePoints(n, chosen, share[chosen], positions[n, chosen])
            for n in range(self.volume.planes)
            if len(chosen := torch.nonzero(plane == n)[:, 0])
        ]

    def get_velocity(self, step: int) -> Tensor:
        """(k, 2, rows, columns) at the volume's nodes, from a frame to the next; computed once."""
        if step not in self._velocity:
            self._velocity[step] = self.volume.compute_velocity(step)
        return self._velocity[step]

    def advect_plane_points(self, plane: int, positions: Tensor, start: int, end: int) -> Tensor:
        """(n, 2) points of a plane in the reference, as they are in another frame."""
        direction = 1 if end > start else -1
        for frame in range(start, end, direction):
            velocity = self.get_velocity(min(frame, frame + direction))[plane : plane + 1]
            positions = self.volume.advect_step(positions[None], velocity, direction)[0]
        return positions

    def project_plane_points(self, frame: int, plane: int, positions: Tensor) -> tuple[Tensor, Tensor]:
        """(n, 2) pixels of a frame under which points of a plane lie, and (n,) their visibility there."""
        pixels = self.volume.project_points(frame, positions[None].expand(self.volume.planes, -1, -1))[plane]
        visible = self.volume.compute_ray_weights(frame, pixels)[plane]
        return pixels, visible * is_inside(pixels, self.size)

    def compute_warp_field(self, frame: int, source: int) -> WarpField:
        """Where the pixels of `frame` lie in `source`; the confidence is the visibility in both."""
        at = self._pixel_grid()
        trust = torch.zeros(len(at), device=at.device)
        for points in self.find_visible_points(frame):
            there = self.advect_plane_points(points.plane, points.positions, frame, source)
            pixels, visible = self.project_plane_points(source, points.plane, there)
            at[points.pixel] = pixels
            trust[points.pixel] = points.share * visible
        return WarpField(self._to_image(at), self._to_image(trust))

    def is_connected(self, start: int, end: int) -> bool:
        """Whether every step between two frames has flow."""
        return bool(self.known[min(start, end) : max(start, end)].all())

    def _pixel_grid(self) -> Tensor:
        grid = torch.from_numpy(pixel_grid(*self.size).reshape(-1, 2).copy())
        return grid.to(self.volume.low.device)

    def _to_image(self, values: Tensor) -> Floats32:
        return values.reshape(*self.size, *values.shape[1:]).float().cpu().numpy()
