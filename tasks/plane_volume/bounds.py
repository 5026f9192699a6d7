"""The part of the reference that the volume's grids cover."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

NODE_PX = 2.0  # between nodes of the grids


@dataclass(frozen=True)
class ReferenceBounds:
    """The part of the reference that some frame shows, in its pixels."""

    left: float
    top: float
    right: float
    bottom: float

    def nodes(self) -> tuple[int, int]:
        """Rows and columns of the grid."""
        return round((self.bottom - self.top) / NODE_PX) + 1, round((self.right - self.left) / NODE_PX) + 1

    def places(self) -> NDArray[np.float32]:
        """(rows * columns, 2) x, y of the nodes, row by row."""
        rows, columns = self.nodes()
        x, y = np.linspace(self.left, self.right, columns), np.linspace(self.top, self.bottom, rows)
        return np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2).astype(np.float32)


def compute_bounds(to_frame: NDArray[np.float64], height: int, width: int) -> ReferenceBounds:
    """What frames of that size show, under (t, k, 3, 3) homographies from the reference to each."""
    corners = np.array([[0, 0, 1], [width - 1, 0, 1], [0, height - 1, 1], [width - 1, height - 1, 1]], np.float64)
    seen = corners @ np.linalg.inv(to_frame).swapaxes(-1, -2)
    at = (seen[..., :2] / seen[..., 2:]).reshape(-1, 2)
    # A camera that turns away leaves the box behind; what lies a frame's size beyond the reference is not kept.
    low = np.maximum(at.min(axis=0), (-width, -height))
    high = np.minimum(at.max(axis=0), (2 * width, 2 * height))
    return ReferenceBounds(float(low[0]), float(low[1]), float(high[0]), float(high[1]))
