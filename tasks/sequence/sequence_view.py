"""What the field is fitted to: the features and the motion of a clip, asked for frame by frame.

Everything is a function of the frame's number, so that a long video is never held whole. Pixels are those of flow and
label maps; the grid of features lies on them as `cells` says.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tasks.arrays import FlowField, Mask
from tasks.geometry.cell_grid import CellGrid

if TYPE_CHECKING:
    from tasks.sequence.flow_trajectory import WarpField


@dataclass(frozen=True, eq=False)
class FramePairMotion:
    """Flow between two neighbouring frames, there and back."""

    forward: FlowField
    """(h, w, 2) from the earlier frame to the later one, px."""
    backward: FlowField
    """(h, w, 2) from the later frame to the earlier one, px."""
    valid: Mask
    """(h, w) pixels of the earlier frame whose forward flow may be trusted."""
    valid_backward: Mask
    """(h, w) pixels of the later frame whose backward flow may be trusted."""

    @property
    def turned(self) -> FramePairMotion:
        """The same pair with time running backwards."""
        return FramePairMotion(self.backward, self.forward, self.valid_backward, self.valid)


@dataclass(frozen=True, eq=False)
class SequenceView:
    """A clip as the field sees it."""

    length: int
    height: int
    width: int
    cells: CellGrid
    """Where the cells of the features lie on the frame, in its pixels."""
    grids: Callable[[int], NDArray[Any] | None]
    """(h, w, d) unit vectors of a frame; None where it is missing."""
    motion: Callable[[int], FramePairMotion | None]
    """Of frames i and i + 1; None at a cut, or where either is missing."""
    images: Callable[[int], NDArray[np.uint8] | None] | None = None
    """(h, w, 3) RGB of a frame at the size of the maps, by which flow is checked; without them flow is all there is."""
    direct: Callable[[int, int], tuple[FlowField, Mask] | None] | None = None
    """Flow from one frame to another that skips those between, and where on the first it may be trusted."""
    through: Callable[[int, int], WarpField | None] | None = None
    """Where the pixels of a frame lie in another, also when they were hidden between: by the volume."""

    def step(self, start: int, end: int) -> FramePairMotion | None:
        """Motion from `start` to its neighbour `end`, which may be the earlier one."""
        if end > start:
            return self.motion(start)
        found = self.motion(end)
        return None if found is None else found.turned
