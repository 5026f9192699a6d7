"""Queries of a fitted plane volume: nearness of pixels, and their positions in other frames, across occlusions too."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from tasks.arrays import Floats32
from tasks.plane_volume.losses import is_inside
from tasks.plane_volume.plane_volume import PlaneVolume
from tasks.plane_volume.volume_sampling import apply_homographies
from tasks.plane_volume.volume_warping import VolumeWarper
from tasks.sequence.flow_trajectory import WarpField


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

    @cached_property
    def _warper(self) -> VolumeWarper:
        return VolumeWarper(self.volume, self.size)

    def render_nearness(self, frame: int) -> Floats32:
        """(h, w) ordinal depth of the visible surface, 0 the background, 1 the nearest plane."""
        return self._warper.render_nearness(frame)

    def compute_warp_field(self, frame: int, source: int) -> WarpField:
        """Where the pixels of `frame` lie in `source`; the confidence is the visibility in both."""
        return self._warper.compute_warp_field(frame, source)

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
        pixels = apply_homographies(self.volume.to_frame[frame, plane][None], positions[None])[0]
        visible = self.volume.compute_ray_weights(frame, pixels)[plane]
        return pixels, visible * is_inside(pixels, self.size)

    def is_connected(self, start: int, end: int) -> bool:
        """Whether every step between two frames has flow."""
        return bool(self.known[min(start, end) : max(start, end)].all())
