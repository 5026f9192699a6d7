"""The backward warps of a frame sequence, computed on request; the last ones are kept in memory."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tasks.sequence.backward_warp import BackwardWarp, compute_backward_warp
from tasks.sequence.sequence_view import SequenceView

CACHE_BYTES = 256 << 20
WARP_BYTES_PER_PIXEL = 48


@dataclass(frozen=True, eq=False)
class BackwardWarpCache:
    """Backward warps between neighbouring frames of a sequence; the oldest are dropped first."""

    view: SequenceView
    density: bool
    """Opacity prior: no confidence in points that are occluded in the other frame."""
    check_appearance: bool = True
    """Lower the confidence where the images differ."""
    _kept: OrderedDict[tuple[int, int], BackwardWarp | None] = field(
        default_factory=OrderedDict[tuple[int, int], "BackwardWarp | None"], repr=False
    )

    def get_warp(self, frame: int, other: int) -> BackwardWarp | None:
        """From each pixel of `frame` to its point's position in the neighbour `other`; None without flow."""
        key = frame, other
        if key not in self._kept:
            self._kept[key] = self._compute(frame, other)
            if len(self._kept) > max(4, CACHE_BYTES // (WARP_BYTES_PER_PIXEL * self.view.height * self.view.width)):
                self._kept.popitem(last=False)
        return self._kept[key]

    def _compute(self, frame: int, other: int) -> BackwardWarp | None:
        is_inside = min(frame, other) >= 0 and max(frame, other) < self.view.length
        motion = self.view.motion_between(other, frame) if is_inside else None
        if motion is None:
            return None
        here, there = self._image(frame), self._image(other)
        return compute_backward_warp(motion, self.density, None if here is None or there is None else (here, there))

    def _image(self, frame: int) -> NDArray[np.uint8] | None:
        return self.view.images(frame) if self.check_appearance and self.view.images is not None else None
