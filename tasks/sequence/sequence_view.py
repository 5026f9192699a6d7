"""Access to a frame sequence for label propagation: features, optical flow and images, requested frame by frame.

Everything is a function of the frame number, so that a long video is never held in memory as a whole. Pixels are those
of flow fields and label maps; `cells` places the grid of features on them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.arrays import FlowField, Mask
from tasks.geometry.cell_grid import CellGrid
from tasks.sequence.flow_trajectory import WarpField
from tasks.sequence.frame_pair_motion import FramePairMotion


@dataclass(frozen=True, eq=False)
class SequenceView:
    """Features, motion and images of a frame sequence."""

    length: int
    height: int
    width: int
    cells: CellGrid
    """Where the cells of the features lie on the frame, in its pixels."""
    feature_grid: Callable[[int], NDArray[Any] | None]
    """(rows, columns, d) unit feature vectors of a frame; None where it is missing."""
    motion: Callable[[int], FramePairMotion | None]
    """Of frames i and i + 1; None at a cut, or where either is missing."""
    images: Callable[[int], NDArray[np.uint8] | None] | None = None
    """(h, w, 3) RGB of a frame at map size, for the photometric check of flow; without images there is no check."""
    direct_flow: Callable[[int, int], tuple[FlowField, Mask] | None] | None = None
    """Flow between two frames that need not be neighbours, and where on the first it is valid."""
    volume_warp: Callable[[int, int], WarpField | None] | None = None
    """Where the pixels of a frame lie in another by the plane volume, also after an occlusion between them."""

    def motion_between(self, start: int, end: int) -> FramePairMotion | None:
        """Motion from `start` to its neighbour `end`, which may be the earlier one."""
        if end > start:
            return self.motion(start)
        found = self.motion(end)
        return None if found is None else found.reversed
