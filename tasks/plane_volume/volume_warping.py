"""Warp fields through a plane volume: points are moved along the velocity of their plane from frame to frame.

A pixel is tracked as a point of the plane with the largest ray weight there; its confidence is the visibility at both
ends. The nodes of the volume lie two pixels apart, so points are moved on a lattice of the same density, and the four
pixels around a lattice point share its displacement.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from tasks.arrays import Floats32, FlowField, Indices, Matrix
from tasks.geometry.warp import pixel_grid
from tasks.plane_volume.plane_volume import PlaneVolume
from tasks.sequence.flow_trajectory import WarpField

LATTICE_PX = 2  # as NODE_PX of the volume's nodes


@dataclass(frozen=True, eq=False)
class _VisiblePoints:
    """The lattice points of a frame, each as a point of the plane that is visible there."""

    plane: Indices
    """(h, w)."""
    share: Floats32
    """(h, w) ray weight of the plane."""
    positions: FlowField
    """(h, w, 2) in the reference."""


@dataclass(frozen=True, eq=False)
class VolumeWarper:
    """The fields of a fitted volume as arrays, for frames of (height, width)."""

    volume: PlaneVolume
    size: tuple[int, int]
    _velocity: dict[int, Floats32] = field(default_factory=dict[int, Floats32], repr=False)
    _visible: dict[int, _VisiblePoints] = field(default_factory=dict[int, _VisiblePoints], repr=False)
    _moved: dict[int, FlowField] = field(default_factory=dict[int, FlowField], repr=False)
    """Other frame to the positions there of the points of the frame asked for last."""

    def render_nearness(self, frame: int) -> Floats32:
        """(h, w) ordinal depth of the visible surface, 0 the background, 1 the nearest plane."""
        weights = self._ray_weights(frame, pixel_grid(*self.size))
        place = np.linspace(0, 1, len(weights), dtype=np.float32)
        return np.tensordot(place, weights, axes=1).astype(np.float32)

    def compute_warp_field(self, frame: int, source: int) -> WarpField:
        """Where the pixels of `frame` lie in `source`; the confidence is the visibility in both."""
        points = self._find_visible(frame)
        pixels = _apply_homographies(self._to_frame[source][points.plane], self._move(points, frame, source))
        weights = self._ray_weights(source, pixels)
        visible = np.take_along_axis(weights, points.plane[None], axis=0)[0]
        height, width = self.size
        inside = cv2.inRange(pixels, (-0.5, -0.5), (width - 0.5, height - 0.5)).astype(np.bool_)
        displacement = self._to_pixels(pixels - self._lattice)
        return WarpField(pixel_grid(height, width) + displacement, self._to_pixels(points.share * visible * inside))

    @cached_property
    def _lattice(self) -> FlowField:
        """(h, w, 2) pixel coordinates of the lattice points, the centres of blocks of pixels."""
        rows, columns = (-(-length // LATTICE_PX) for length in self.size)
        return pixel_grid(rows, columns) * np.float32(LATTICE_PX) + np.float32((LATTICE_PX - 1) / 2)

    @cached_property
    def _opacity(self) -> Floats32:
        """(t, k, rows, columns) at the nodes; the background is opaque."""
        opacity = torch.sigmoid(self.volume.density.detach()).cpu().numpy()
        opacity[:, 0] = 1
        return opacity

    @cached_property
    def _to_frame(self) -> Matrix:
        return self.volume.to_frame.cpu().numpy()

    @cached_property
    def _from_frame(self) -> Matrix:
        return self.volume.from_frame.cpu().numpy()

    def _find_visible(self, frame: int) -> _VisiblePoints:
        """The visible points of a frame; those of the frame asked for last are kept."""
        if frame not in self._visible:
            weights = self._ray_weights(frame, self._lattice)
            plane = weights.argmax(axis=0)
            positions = _apply_homographies(self._from_frame[frame][plane], self._lattice)
            self._visible.clear()
            self._moved.clear()
            self._visible[frame] = _VisiblePoints(plane, weights.max(axis=0), positions)
            self._moved[frame] = positions
        return self._visible[frame]

    def _move(self, points: _VisiblePoints, frame: int, source: int) -> FlowField:
        """(h, w, 2) the points of `frame` in the reference, as they are in `source`: midpoint rule, step by step."""
        direction = 1 if source > frame else -1
        start = next(other for other in range(source, frame - direction, -direction) if other in self._moved)
        at = self._moved[start]
        for step in range(start, source, direction):
            velocity = self._get_velocity(min(step, step + direction))
            half = at + direction / 2 * self._sample_planes(velocity, points.plane, at)
            moved = at + direction * self._sample_planes(velocity, points.plane, half.astype(np.float32, copy=False))
            at = moved.astype(np.float32, copy=False)
        self._moved[source] = at
        return at

    def _get_velocity(self, step: int) -> Floats32:
        """(k * rows, columns, 2) velocity at the nodes of all planes, one below the other."""
        if step not in self._velocity:
            velocity = self.volume.compute_velocity(step).detach().cpu().numpy().transpose(0, 2, 3, 1)
            self._velocity[step] = np.ascontiguousarray(velocity).reshape(-1, *velocity.shape[2:])
        return self._velocity[step]

    def _sample_planes(self, nodes: Floats32, plane: Indices, at: FlowField) -> FlowField:
        """(h, w, c) bilinear values of (k * rows, columns, c) nodes at reference positions on the given planes."""
        rows, columns = self.volume.bounds.grid_shape
        x, y = self._to_nodes(at)
        remap: Any = cv2.remap
        row = np.clip(y, 0, rows - 1) + (plane * rows).astype(np.float32)
        return remap(nodes, np.clip(x, 0, columns - 1), row, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)

    def _ray_weights(self, frame: int, pixels: FlowField) -> Floats32:
        """(k, h, w) weight of each plane along the rays through (h, w, 2) pixels; they sum to 1."""
        homographies = self._from_frame[frame]
        planes = len(homographies)
        weights = np.empty((planes, *pixels.shape[:2]), np.float32)
        clear = np.ones(pixels.shape[:2], np.float32)  # transmittance of the planes in front
        nodes = self._to_nodes(_apply_homographies(homographies[-1], pixels))
        for k in range(planes - 1, -1, -1):
            if not np.array_equal(homographies[k], homographies[min(k + 1, planes - 1)]):
                nodes = self._to_nodes(_apply_homographies(homographies[k], pixels))
            remap: Any = cv2.remap
            opacity = remap(self._opacity[frame, k], *nodes, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
            weights[k] = opacity * clear
            clear = clear - weights[k]
        return weights

    def _to_nodes(self, at: FlowField) -> tuple[Floats32, Floats32]:
        """Column and row in nodes of (h, w, 2) reference positions."""
        bounds = self.volume.bounds
        rows, columns = bounds.grid_shape
        across = np.float32((columns - 1) / (bounds.right - bounds.left))
        down = np.float32((rows - 1) / (bounds.bottom - bounds.top))
        return (at[..., 0] - np.float32(bounds.left)) * across, (at[..., 1] - np.float32(bounds.top)) * down

    def _to_pixels(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """(height, width) or (height, width, c) values of pixels from those of the lattice points."""
        wide = values.repeat(LATTICE_PX, axis=0).repeat(LATTICE_PX, axis=1)
        return np.ascontiguousarray(wide[: self.size[0], : self.size[1]])


def _apply_homographies(homographies: Matrix, points: FlowField) -> FlowField:
    """(h, w, 2) points after one (3, 3) homography, or an (h, w, 3, 3) one for each."""
    x, y = points[..., 0], points[..., 1]
    h = homographies
    scale = h[..., 2, 0] * x + h[..., 2, 1] * y + h[..., 2, 2]
    moved = np.empty(points.shape, np.float32)
    for n in range(2):
        moved[..., n] = (h[..., n, 0] * x + h[..., n, 1] * y + h[..., n, 2]) / scale
    return moved
