"""Bounds of the plane volume's grids in reference coordinates."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tasks.arrays import Floats, Points32

NODE_PX = 2.0  # between nodes of the grids


@dataclass(frozen=True)
class ReferenceBounds:
    """The rectangle of reference coordinates that is visible in some frame, in reference pixels."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def grid_shape(self) -> tuple[int, int]:
        """Rows and columns of nodes."""
        return round((self.bottom - self.top) / NODE_PX) + 1, round((self.right - self.left) / NODE_PX) + 1

    def make_nodes(self) -> Points32:
        """(rows * columns, 2) x, y of the nodes, row by row."""
        rows, columns = self.grid_shape
        x, y = np.linspace(self.left, self.right, columns), np.linspace(self.top, self.bottom, rows)
        return np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2).astype(np.float32)


def compute_bounds(to_frame: Floats, height: int, width: int) -> ReferenceBounds:
    """Bounds of what frames of that size show, by (t, k, 3, 3) homographies from the reference to each frame."""
    corners = np.array([[0, 0, 1], [width - 1, 0, 1], [0, height - 1, 1], [width - 1, height - 1, 1]], np.float64)
    mapped = corners @ np.linalg.inv(to_frame).swapaxes(-1, -2)
    at = (mapped[..., :2] / mapped[..., 2:]).reshape(-1, 2)
    # A panning camera leaves the reference frame; the bounds end one frame size beyond it.
    low = np.maximum(at.min(axis=0), (-width, -height))
    high = np.minimum(at.max(axis=0), (2 * width, 2 * height))
    return ReferenceBounds(float(low[0]), float(low[1]), float(high[0]), float(high[1]))
