"""Exact nearest neighbours between two sets of cell vectors, in both directions, computed in blocks of rows.

All pairs of cells of two grids of 60 x 108 are 42 million similarities, 168 MB; a block holds CHUNK_BYTES of them,
whatever the grids, and stays in the processor's cache. Both directions are read off the same products: the largest of
each row, and the largest of each column. Of equal similarities the first in reading order wins. Sums are exact
(exact_similarity.py), so the result depends neither on the block size nor on threads or device.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.arrays import Indices
from tasks.match.exact_similarity import QuantizedVectors
from tasks.match.grid_cells import SearchWindow
from tasks.match.score_blocks import FLOAT_BYTES, BlockScorer, make_block_scorer

CHUNK_BYTES = 2 << 20  # of scores at once: as much as the second-level cache of a processor holds
ACCELERATOR_CHUNK_BYTES = 64 << 20  # whole tables of 60 x 80 cells: few transfers

Neighbourhood = Callable[[Indices], Indices]
"""(n,) cells to the (n, k) cells around them, -1 for none."""


@dataclass(frozen=True)
class NearestNeighbours:
    """Nearest neighbours of n cells in a grid of m cells, and of those m cells among the n."""

    index: Indices
    """(n,) the most similar cell of the other grid, inside the window where there is one."""
    around: NDArray[np.float64]
    """(n, k) similarities of the cells around it, -inf outside the grid and the window."""
    back: Indices
    """(m,) the most similar of the n cells for each cell of the other grid, never limited to a window."""


def find_nearest(
    first: QuantizedVectors,
    second: QuantizedVectors,
    neighbours: Neighbourhood,
    window: SearchWindow | None = None,
    *,
    device: str = "cpu",
    chunk_bytes: int = CHUNK_BYTES,
) -> NearestNeighbours:
    """The most similar of `second` for each of `first` with the similarities around it, and the way back."""
    index, back = np.empty(len(first), np.intp), _LargestOfColumns.start(len(second))
    around: list[NDArray[np.float64]] = []
    scorer = make_block_scorer(first, second, device)
    step = max(1, chunk_bytes // (FLOAT_BYTES * max(1, len(second))))
    for start in range(0, len(first), step):
        rows = slice(start, start + step)
        block = scorer.score_rows(rows)
        back.update(start, block.column_maxima())
        if window is not None:
            block.exclude(window.mask_outside(rows))
        index[rows] = block.best_columns()
        around.append(_to_similarities(block.gather, neighbours(index[rows]), first.bias[rows], second))
    return NearestNeighbours(index, np.concatenate(around), back.locate(scorer, step))


def find_nearest_in_window(
    first: QuantizedVectors,
    second: QuantizedVectors,
    neighbours: Neighbourhood,
    window: SearchWindow,
    *,
    chunk_bytes: int = CHUNK_BYTES,
) -> tuple[Indices, NDArray[np.float64]]:
    """`index` and `around` of NearestNeighbours, computed from the products inside the windows alone.

    The window must be limited for every cell; the numbers are those of find_nearest.
    """
    index = np.empty(len(first), np.intp)
    around: list[NDArray[np.float64]] = []
    for rows in _iterate_window_rows(window, second.quantized.shape[1], chunk_bytes):
        vectors = first.select_rows(rows)

        def score(cells: Indices, vectors: QuantizedVectors = vectors) -> NDArray[np.float32]:
            return _score_cells(vectors, second, cells)

        near = window.list_cells(rows)
        scores = np.where(near >= 0, score(near), -np.inf)
        index[rows] = near[np.arange(len(near)), scores.argmax(axis=1)]
        asked = window.keep_inside(rows, neighbours(index[rows]))
        around.append(_to_similarities(score, asked, vectors.bias, second))
    return index, np.concatenate(around)


@dataclass(frozen=True)
class _LargestOfColumns:
    """Running largest score of every column, and the first row of the block that holds it."""

    score: NDArray[np.float32]
    block: Indices

    @classmethod
    def start(cls, columns: int) -> _LargestOfColumns:
        return cls(np.full(columns, -np.inf, np.float32), np.zeros(columns, np.intp))

    def update(self, block: int, maxima: NDArray[np.float32]) -> None:
        """Take in the (m,) largest scores of the block of rows that begins at `block`."""
        larger = maxima > self.score  # of equal ones the first block stays
        self.score[larger], self.block[larger] = maxima[larger], block

    def locate(self, scorer: BlockScorer, step: int) -> Indices:
        """(m,) rows of the largest scores: those of a column's block are computed again, which costs 1 block in all."""
        found = np.empty(len(self.block), np.intp)
        for block in np.unique(self.block).tolist():
            columns = np.flatnonzero(self.block == block)
            found[columns] = block + scorer.score_columns(slice(block, block + step), columns).argmax(axis=1)
        return found


def _iterate_window_rows(window: SearchWindow, dimensions: int, chunk_bytes: int) -> Iterator[slice]:
    """Slices of the cells whose gathered vectors take `chunk_bytes`."""
    step = max(1, chunk_bytes // (FLOAT_BYTES * dimensions * window.cells_per_window))
    yield from (slice(start, start + step) for start in range(0, len(window.expected), step))


def _score_cells(first: QuantizedVectors, second: QuantizedVectors, cells: Indices) -> NDArray[np.float32]:
    """(n, k) scores of n cells with k cells of the other grid each; those of -1 mean nothing."""
    products = np.matmul(second.quantized[cells], first.quantized[:, :, None])[:, :, 0]
    return products + second.bias[cells] if second.biased else products


def _to_similarities(
    score: Callable[[Indices], NDArray[np.float32]],
    asked: Indices,
    bias: NDArray[np.float32],
    second: QuantizedVectors,
) -> NDArray[np.float64]:
    """(n, k) similarities of n cells with the cells `asked`, -inf where that is -1."""
    scores = score(np.maximum(asked, 0)).astype(np.float64)
    return np.where(asked >= 0, (scores + bias[:, None]) * second.product_scale + second.offset, -np.inf)
