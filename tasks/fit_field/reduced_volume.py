"""A plane volume at half the resolution of the label maps, read at their size.

Dense flow blurs motion edges over several pixels, so that half the resolution holds the same layers, at a quarter of
the cost.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.arrays import Floats32
from tasks.geometry.warp import pixel_grid
from tasks.plane_volume.volume_queries import VolumeQueries
from tasks.sequence.flow_trajectory import WarpField
from tasks.sequence.frame_pair_motion import FramePairMotion

REDUCTION = 2  # map pixels per pixel of the volume's frames
MIN_VALID_AREA = 0.5  # of a pixel, for its flow to be valid


@dataclass(frozen=True, eq=False)
class ReducedVolume:
    """A fitted volume whose frames are smaller than the label maps of `height` x `width`."""

    queries: VolumeQueries
    height: int
    width: int

    def __len__(self) -> int:
        return len(self.queries)

    def is_connected(self, start: int, end: int) -> bool:
        """Whether every step between two frames has flow."""
        return self.queries.is_connected(start, end)

    def compute_warp_field(self, frame: int, source: int) -> WarpField:
        """Where the pixels of `frame` lie in `source`; the confidence is the visibility in both."""
        found = self.queries.compute_warp_field(frame, source)
        displacement = (found.positions - pixel_grid(*self.queries.size)) * self._map_pixels
        return WarpField(pixel_grid(self.height, self.width) + self._enlarge(displacement), self._enlarge(found.trust))

    def render_nearness(self, frame: int) -> Floats32:
        """(h, w) ordinal depth of the visible surface, 0 the background, 1 the nearest plane."""
        near: Any = cv2.resize(
            self.queries.render_nearness(frame), (self.width, self.height), interpolation=cv2.INTER_LINEAR
        )
        return near

    @cached_property
    def _map_pixels(self) -> Floats32:
        """(2,) map pixels in a pixel of the volume's frames, across and down."""
        height, width = self.queries.size
        return np.array([self.width / width, self.height / height], np.float32)

    def _enlarge(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Values of the nearest pixel: interpolated ones would mix the planes on both sides of an edge."""
        enlarged: Any = cv2.resize(values, (self.width, self.height), interpolation=cv2.INTER_NEAREST)
        return enlarged


def reduced_size(height: int, width: int) -> tuple[int, int]:
    """Height and width of the volume's frames for label maps of this size."""
    return -(-height // REDUCTION), -(-width // REDUCTION)


def reduce_motion(motion: FramePairMotion, size: tuple[int, int]) -> FramePairMotion:
    """The motion on frames of `size` (height, width), in their pixels."""
    height, width = motion.valid.shape
    if size == (height, width):
        return motion
    scale = np.array([size[1] / width, size[0] / height], np.float32)

    def shrink(values: NDArray[Any]) -> NDArray[np.float32]:
        shrunk: Any = cv2.resize(values.astype(np.float32), (size[1], size[0]), interpolation=cv2.INTER_AREA)
        return shrunk

    return FramePairMotion(
        shrink(motion.forward) * scale,
        shrink(motion.backward) * scale,
        shrink(motion.valid) > MIN_VALID_AREA,
        shrink(motion.valid_backward) > MIN_VALID_AREA,
    )
