"""How far a place that a flow leads to also looks like the point that it is said to be."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.geometry.cell_grid import l2_normalize
from tasks.geometry.resampling import resample_to_pixels
from tasks.sequence.flow_trajectory import WarpField
from tasks.sequence.sequence_view import SequenceView


@dataclass(frozen=True, eq=False)
class FeatureSimilarity:
    """Likeness of one frame's cells to places in others, on the scale of its semantic matches."""

    clip: SequenceView
    vectors: NDArray[np.float32]
    """(rows, columns, d) of the frame in hand."""
    best: NDArray[np.float32]
    """(rows, columns) cosine of each cell's best semantic match."""
    temperature: float

    def along(self, source: int, trail: WarpField) -> NDArray[np.float32]:
        """(h, w) 1 where the place of the trail in the frame `source` is as alike as the best match, less where less.

        The softmax that semantic matches compete in: 1/e where the cosine is smaller by the temperature.
        """
        there = self.clip.grids(source)
        if there is None:
            return np.zeros(trail.trust.shape, np.float32)
        row, column = self._cells(trail)
        cosine = (l2_normalize(self.vectors) * l2_normalize(np.asarray(there)[row, column])).sum(axis=-1)
        alike = np.exp(np.minimum(cosine - self.best, 0) / np.float32(self.temperature)).astype(np.float32)
        return resample_to_pixels(alike, self.clip.cells, self.clip.height, self.clip.width)

    def _cells(self, trail: WarpField) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """(rows, columns) row and column of the cell nearest to where each cell's centre leads."""
        clip, cells = self.clip, self.clip.cells
        column, row = np.rint(cells.centres()).astype(np.intp).transpose(2, 0, 1)
        there = trail.at[np.clip(row, 0, clip.height - 1), np.clip(column, 0, clip.width - 1)]
        at = np.rint(cells.to_cells(there)).astype(np.intp)
        return np.clip(at[..., 1], 0, cells.rows - 1), np.clip(at[..., 0], 0, cells.columns - 1)
