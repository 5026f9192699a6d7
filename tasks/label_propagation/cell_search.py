"""The most similar feature cells of other frames for each cell of a frame, found from coarse to fine.

Comparing each cell with all cells within a radius of 12 in several frames takes most of the time of label propagation.
Features vary little over two cells (the deeper layers of the backbone have a stride of two and four cells), so the
search is hierarchical, as in block matching on an image pyramid (Bergen et al., ECCV 1992):

1. Blocks of 2 x 2 cells are compared by their mean features with all blocks within the radius.
2. Where the FEW most similar blocks all carry the same label, that is the label, whichever of their cells are the most
   similar: only those of the BEST blocks are compared, for the cosine.
3. Elsewhere the four cells of a block are compared with the cells of the MANY most similar blocks: at an object's
   border the mean of a block hides the cells of one side.

Each candidate costs one sixteenth in step 1; steps 2 and 3 compare dozens of cells instead of thousands.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from tasks.arrays import Floats32, Indices, Vectors
from tasks.geometry.cell_grid import l2_normalize
from tasks.geometry.feature_propagation import TopKSimilar, find_top_k_similar

SIDE = 2  # cells along each side of a block
CELLS = SIDE * SIDE
# Blocks; with twice as MANY, J of masks propagated by features on two DAVIS sequences is .002 higher.
BEST, FEW, MANY = 4, 12, 64
TILE_ROWS, TILE_COLUMNS = 4, 8  # blocks compared by one product: larger tiles compute more cosines that are not read
MIN_PURE_SHARE = 0.98  # of a class in every cell of a block
MAX_EXHAUSTIVE_CELLS = 1024  # of a grid whose cells are compared with all others: there the means would hide objects


@dataclass(frozen=True, eq=False)
class SearchGrid:
    """The features of a frame, arranged for the search. A grid of odd size repeats its last row or column."""

    vectors: Vectors
    """(rows, columns, d)."""
    blocks: Floats32
    """(block rows, block columns, 4, d) features of the cells of each block."""
    means: Floats32
    """(block rows, block columns, d) unit vectors along the mean of each block."""


def make_search_grid(vectors: Vectors) -> SearchGrid:
    """The search grid of (rows, columns, d) unit vectors."""
    rows, columns, d = vectors.shape
    even = np.pad(vectors, ((0, rows % SIDE), (0, columns % SIDE), (0, 0)), mode="edge")
    parts = even.reshape(even.shape[0] // SIDE, SIDE, even.shape[1] // SIDE, SIDE, d)
    blocks = np.ascontiguousarray(parts.transpose(0, 2, 1, 3, 4)).reshape(*parts.shape[::2][:2], CELLS, d)
    return SearchGrid(vectors, blocks, l2_normalize(blocks.mean(axis=2)))


def find_similar_cells(
    query: SearchGrid, past: Sequence[SearchGrid], labels: NDArray[np.float32], radius: int, count: int
) -> TopKSimilar:
    """The `count` most similar cells of the `past` grids for each cell of `query`, about within `radius` cells.

    `labels` (past, rows, columns, c) are the class probabilities of the past cells, which decide how many blocks are
    searched. Indices count cells of the (past, rows, columns) grids, as those of `find_top_k_similar`, the exhaustive
    search.
    """
    rows, columns, _ = query.vectors.shape
    if rows * columns <= MAX_EXHAUSTIVE_CELLS:
        return find_top_k_similar(query.vectors, np.stack([grid.vectors for grid in past]), radius, count)
    reach = -(-radius // SIDE)
    cosines = compare_blocks(query.means, np.stack([grid.means for grid in past]), reach)
    shape = query.means.shape[:2]
    few, reached = take_largest(cosines, min(FEW, cosines.shape[-1]))
    matches = _locate_blocks(few, reached, np.arange(len(few)), shape, reach)
    known = classify_blocks(labels)[matches.index]
    is_mixed = ((known != known[:, :1]) | (known < 0)).any(axis=1)
    blocks = np.concatenate([grid.blocks.reshape(-1, CELLS, grid.blocks.shape[-1]) for grid in past])
    found = _compare_cells(query, blocks, matches.keep_first(max(BEST, -(-count // CELLS))), count)
    if is_mixed.any():
        rest = np.flatnonzero(is_mixed)
        left = cosines[rest]
        more = np.argpartition(left, -min(MANY, left.shape[1]), axis=1)[:, -MANY:]  # without those taken before
        further = np.take_along_axis(left, more, axis=1)
        best, reached = np.hstack([few[rest], more]), np.hstack([reached[rest], further])
        wide = _compare_cells(query, blocks, _locate_blocks(best, reached, rest, shape, reach), count)
        for whole, part in ((found.cosine, wide.cosine), (found.index, wide.index)):
            whole[rest] = part
    return TopKSimilar(*(_to_cell_grid(values, shape, (rows, columns)) for values in (found.cosine, found.index)))


def classify_blocks(labels: NDArray[np.float32]) -> NDArray[np.int16]:
    """(past * block rows * block columns,) the class of each block of (past, rows, columns, c) labels; -1 if mixed."""
    _, rows, columns, classes = labels.shape
    even = np.pad(labels, ((0, 0), (0, rows % SIDE), (0, columns % SIDE), (0, 0)), mode="edge")
    least = np.minimum(
        np.minimum(even[:, ::2, ::2], even[:, 1::2, ::2]), np.minimum(even[:, ::2, 1::2], even[:, 1::2, 1::2])
    )
    flat = least.reshape(-1, classes)
    found = flat.argmax(axis=1)
    return np.where(flat[np.arange(len(flat)), found] >= MIN_PURE_SHARE, found, -1).astype(np.int16)


def compare_blocks(query: Floats32, past: Floats32, reach: int) -> Floats32:
    """(h * w, past * side * side) cosines of (h, w, d) vectors with the window around each in (past, h, w, d) ones.

    `side` is 2 reach + 1; what lies outside the grid is -inf. One tile at a time: a matrix product compares it with all
    that is around it, a strided view then selects each vector's window.
    """
    n, h, w, _ = past.shape
    side = 2 * reach + 1
    wide = np.pad(past, ((0, 0), (reach, reach), (reach, reach), (0, 0)))
    outside = np.pad(np.zeros((h, w), np.float32), reach, constant_values=-np.inf)
    found = np.empty((h, w, n, side, side), np.float32)
    for top in range(0, h, TILE_ROWS):
        for left in range(0, w, TILE_COLUMNS):
            tile = query[top : top + TILE_ROWS, left : left + TILE_COLUMNS]
            rows, columns = slice(top, top + len(tile) + side - 1), slice(left, left + tile.shape[1] + side - 1)
            here = found[top : top + len(tile), left : left + tile.shape[1]]
            here[:] = _compare_tile(tile, wide[:, rows, columns], outside[rows, columns])
    return found.reshape(h * w, n * side * side)


def _compare_tile(tile: Floats32, around: Floats32, outside: Floats32) -> Floats32:
    """(rows, columns, n, side, side) cosines of a (rows, columns, d) tile with the windows in `around`, (n, r, c, d).

    (r, c) `outside` is added to them.
    """
    (height, width, d), (n, rows, columns) = tile.shape, around.shape[:3]
    cosines = (tile.reshape(-1, d) @ around.reshape(-1, d).T).reshape(height, width, n, rows, columns)
    cosines += outside
    down, across, frames, row, column = cosines.strides
    side = rows - height + 1
    return as_strided(cosines, (height, width, n, side, side), (down + row, across + column, frames, row, column))


def take_largest(values: Floats32, count: int) -> tuple[Indices, Floats32]:
    """(n, count) positions and values of the largest of (n, m) `values`, in descending order; `values` is overwritten.

    Repeated argmax, since `count` is small: faster than a partition of each row, and ties go to the lower position.
    """
    row = np.arange(len(values))
    position = np.empty((len(values), count), np.intp)
    largest = np.empty((len(values), count), np.float32)
    for k in range(count):
        at = values.argmax(axis=1)
        position[:, k], largest[:, k] = at, values[row, at]
        values[row, at] = -np.inf
    return position, largest


@dataclass(frozen=True, eq=False)
class _BlockMatches:
    """The most similar blocks of some blocks, in (past, block row, block column) grids."""

    number: Indices
    """(blocks,) which blocks these are, row by row."""
    index: Indices
    """(blocks, count) flattened."""
    is_inside: NDArray[np.bool_]
    """(blocks, count) False where a window holds fewer blocks."""

    def keep_first(self, count: int) -> _BlockMatches:
        """Only the first `count` matches of each block."""
        return _BlockMatches(self.number, self.index[:, :count], self.is_inside[:, :count])


def _locate_blocks(
    best: Indices, reached: Floats32, numbers: Indices, shape: tuple[int, ...], reach: int
) -> _BlockMatches:
    """The blocks at positions `best` of the windows of side 2 reach + 1 around the numbered blocks of a grid."""
    height, width = shape
    side = 2 * reach + 1
    frame, place = np.divmod(best, side * side)
    down, right = np.divmod(place, side)
    row, column = np.divmod(numbers[:, None], width)
    is_inside = np.isfinite(reached)
    index = (frame * height + row + down - reach) * width + column + right - reach
    return _BlockMatches(numbers, np.where(is_inside, index, 0), is_inside)


def _compare_cells(query: SearchGrid, past: Floats32, matches: _BlockMatches, count: int) -> TopKSimilar:
    """(blocks, 4, count) the most similar cells of the matched blocks for each cell of the blocks of `query`.

    `past` is (past * block rows * block columns, 4, d).
    """
    rows, columns, d = query.vectors.shape
    blocks, total = len(matches.number), matches.index.shape[1] * CELLS
    candidates = past[matches.index].reshape(blocks, total, d)
    own = query.blocks.reshape(-1, CELLS, d)[matches.number]
    cosine = (candidates @ own.transpose(0, 2, 1)).transpose(0, 2, 1)  # half the time of own @ candidates.T
    index = _cell_indices(matches.index, (rows, columns), query.means.shape[:2])
    allowed = np.repeat(matches.is_inside, CELLS, axis=1) & (index >= 0)
    cosine = np.where(allowed[:, None], cosine, np.float32(-np.inf)).reshape(-1, total)
    position, largest = take_largest(cosine, min(count, total))
    chosen = np.take_along_axis(index, position.reshape(blocks, -1), axis=1)
    return TopKSimilar(largest.reshape(blocks, CELLS, -1), chosen.reshape(blocks, CELLS, -1))


def _cell_indices(block: Indices, cells: tuple[int, int], blocks: tuple[int, ...]) -> Indices:
    """(n, count * 4) flattened indices of the cells of (n, count) blocks; -1 for repeated cells beyond the grid."""
    frame, place = np.divmod(block[..., None], blocks[0] * blocks[1])
    row, column = np.divmod(place, blocks[1])
    inner_row, inner_column = np.divmod(np.arange(CELLS), SIDE)
    row, column = row * SIDE + inner_row, column * SIDE + inner_column
    index = (frame * cells[0] + row) * cells[1] + column
    return np.where((row < cells[0]) & (column < cells[1]), index, -1).reshape(len(block), -1)


def _to_cell_grid(values: NDArray[Any], blocks: tuple[int, ...], cells: tuple[int, int]) -> NDArray[Any]:
    """(rows, columns, k) of the (blocks, 4, k) values of cells."""
    parts = values.reshape(*blocks, SIDE, SIDE, -1).transpose(0, 2, 1, 3, 4)
    return parts.reshape(blocks[0] * SIDE, blocks[1] * SIDE, -1)[: cells[0], : cells[1]]
