"""Feature similarity along a warp: cosine between a cell's features and those at its position in another frame."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from tasks.arrays import Indices, Vectors
from tasks.geometry.cell_grid import CellGrid
from tasks.geometry.resampling import resample_to_pixels
from tasks.sequence.flow_trajectory import WarpField
from tasks.sequence.sequence_view import SequenceView


@dataclass(frozen=True, eq=False)
class FeatureSimilarity:
    """Similarity of one frame's cells to positions in other frames, relative to their best semantic match."""

    view: SequenceView
    vectors: Vectors
    """(rows, columns, d) unit vectors of the current frame."""
    best: NDArray[np.float32]
    """(rows, columns) cosine of each cell's best semantic match."""
    temperature: float

    def compare_along(self, there: Vectors, warp: WarpField) -> NDArray[np.float32]:
        """(h, w) 1 where the position in the frame of features `there` is as similar as the best match, else less.

        The scale is that of the softmax over semantic matches: 1/e where the cosine is smaller by the temperature.
        """
        row, column = self._nearest_cells(warp)
        cosine = np.einsum("rcd,rcd->rc", self.vectors, there[row, column])
        similarity = np.exp(np.minimum(cosine - self.best, 0) / np.float32(self.temperature)).astype(np.float32)
        return resample_to_pixels(similarity, self.view.cells, self.view.height, self.view.width)

    def _nearest_cells(self, warp: WarpField) -> tuple[Indices, Indices]:
        """(rows, columns) row and column of the source cell nearest to where each cell's centre is warped."""
        view, cells = self.view, self.view.cells
        there = warp.positions.reshape(-1, 2)[_centre_pixels(cells, view.height, view.width)]
        at = np.rint(cells.to_cells(there)).astype(np.intp)
        return np.clip(at[..., 1], 0, cells.rows - 1), np.clip(at[..., 0], 0, cells.columns - 1)


@lru_cache(maxsize=4)
def _centre_pixels(cells: CellGrid, height: int, width: int) -> Indices:
    """(rows, columns) flattened index of the pixel nearest to each cell's centre."""
    column, row = np.rint(cells.cell_centres()).astype(np.intp).transpose(2, 0, 1)
    return np.clip(row, 0, height - 1) * width + np.clip(column, 0, width - 1)
