"""A frame in the memory bank, and a labelled frame moved to where its objects are now.

Feature matches are searched within a radius of a cell's own position. An object that has moved farther than that since
it was labelled finds nothing of itself in the labelled frame, only in the latest frames, whose labels were propagated:
errors then accumulate unchecked. Moved by the object's displacement, the labelled frame covers it again, and what was
beside the object there lies beside it here, so that background of the same kind (a crowd, foliage) is told from it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.arrays import ClassProbabilities
from tasks.label_propagation.cell_search import SearchGrid, make_search_grid
from tasks.sequence.label_map import BACKGROUND

MIN_SHARE = 0.5  # of a class in a cell, for the cell to count as part of its objects

Displacement = tuple[int, int]
"""Rows down and columns to the right, in cells."""


@dataclass(frozen=True, eq=False)
class MemoryFrame:
    """A frame in the memory bank."""

    frame: int
    grid: SearchGrid
    labels: ClassProbabilities
    """(rows, columns, c) class probabilities; they sum to less than 1 where part of a cell is unknown."""


def shift_objects(known: MemoryFrame, latest: ClassProbabilities) -> MemoryFrame | None:
    """The labelled frame `known` moved by the displacement of its objects to the (rows, columns, c) `latest` labels.

    The displacement is that of the class with most cells, for the whole frame; the cells of each other class are moved
    by their own. None where nothing moved, and where no class is in both.
    """
    moves = _find_displacements(known.labels, latest)
    if not any(any(move) for move in moves.values()):
        return None
    sizes = {number: int((known.labels[..., number] > MIN_SHARE).sum()) for number in moves}
    largest, *others = sorted(sizes, key=lambda number: (-sizes[number], number))
    vectors = _shift_grid(known.grid.vectors, moves[largest])
    labels = _shift_grid(known.labels, moves[largest])
    for number in others:
        is_part = (known.labels[..., number] > MIN_SHARE)[..., None]
        is_here = _shift_grid(is_part, moves[number])
        vectors = np.where(is_here, _shift_grid(known.grid.vectors, moves[number]), vectors)
        labels = np.where(is_here, _shift_grid(known.labels, moves[number]), labels)
    return MemoryFrame(known.frame, make_search_grid(vectors), labels)


def _find_displacements(before: ClassProbabilities, now: ClassProbabilities) -> dict[int, Displacement]:
    """Of the centroid of each class, the background excepted, that fills a cell in both."""
    moves: dict[int, Displacement] = {}
    for number in range(before.shape[-1]):
        start, end = (_find_centroid(labels[..., number]) for labels in (before, now))
        if number != BACKGROUND and start is not None and end is not None:
            down, right = np.rint(end - start).astype(int).tolist()
            moves[number] = down, right
    return moves


def _find_centroid(share: NDArray[np.float32]) -> NDArray[np.float64] | None:
    """Row and column of the mean position of the cells of a class, weighted by their share; None without any."""
    rows, columns = np.nonzero(share > MIN_SHARE)
    if not len(rows):
        return None
    weight = share[rows, columns].astype(np.float64)
    return np.array([rows @ weight, columns @ weight]) / weight.sum()


def _shift_grid(values: NDArray[Any], move: Displacement) -> NDArray[Any]:
    """(rows, columns, c) `values` moved; zeros where nothing comes from: a vector that resembles none, no label."""
    rows, columns = values.shape[:2]
    moved = np.zeros_like(values)
    (to_row, from_row), (to_column, from_column) = (
        (slice(max(0, by), min(length, length + by)), slice(max(0, -by), min(length, length - by)))
        for by, length in zip(move, (rows, columns), strict=True)
    )
    moved[to_row, to_column] = values[from_row, from_column]
    return moved
