"""The backward warps of a frame sequence, computed on request; the last ones are kept in memory."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from cachetools import LRUCache
from numpy.typing import NDArray

from tasks.sequence.backward_warp import BackwardWarp, compute_backward_warp
from tasks.sequence.sequence_view import SequenceView

CACHE_BYTES = 256 << 20
MIN_WARPS = 4  # kept, however large: both warps of a frame and of its neighbour
WARP_BYTES_PER_PIXEL = 48


@dataclass(frozen=True, eq=False)
class BackwardWarpCache:
    """Backward warps between neighbouring frames of a sequence; those not used for longest are dropped first."""

    view: SequenceView
    density: bool
    """Opacity prior: no confidence in points that are occluded in the other frame."""
    check_appearance: bool = True
    """Lower the confidence where the images differ."""

    @cached_property
    def _cache(self) -> LRUCache[tuple[int, int], BackwardWarp | None]:
        warp_bytes = WARP_BYTES_PER_PIXEL * self.view.height * self.view.width
        return LRUCache(max(MIN_WARPS, CACHE_BYTES // warp_bytes))

    def get_warp(self, frame: int, other: int) -> BackwardWarp | None:
        """From each pixel of `frame` to its point's position in the neighbour `other`; None without flow."""
        key = frame, other
        if key not in self._cache:
            self._cache[key] = self._compute(frame, other)
        return self._cache[key]

    def _compute(self, frame: int, other: int) -> BackwardWarp | None:
        is_inside = min(frame, other) >= 0 and max(frame, other) < self.view.length
        motion = self.view.motion_between(other, frame) if is_inside else None
        if motion is None:
            return None
        here, there = self._image(frame), self._image(other)
        return compute_backward_warp(motion, self.density, None if here is None or there is None else (here, there))

    def _image(self, frame: int) -> NDArray[np.uint8] | None:
        return self.view.images(frame) if self.check_appearance and self.view.images is not None else None
