"""Linear assignment: one-to-one matching with the largest total gain.

A pair that may be matched has a gain above 0; the others are never matched. That is the usual "Hungarian algorithm,
then drop pairs past the threshold" with the threshold inside the objective, so that a bad pair cannot displace a good
one (as lapjv's `cost_limit` in ByteTrack).
A pair whose row and column have no other candidate is matched without the solver, which gets only the contested rows
and columns. The result is that of solving the whole matrix.
"""

from __future__ import annotations

import numpy as np

from tasks.arrays import Floats, Indices

TIE_BREAK = 1e-9  # added to gains to settle ties: far below any difference that matters, far above rounding


def solve_assignment(gain: Floats) -> tuple[Indices, Indices]:
    """Rows and columns matched to each other, rows ascending, for an (n, m) matrix of gains.

    Of equal totals, the one is taken in which the lower row has the lower column: callers order tracks by age, and
    detections by score and then index.
    """
    row, column = np.nonzero(gain > 0)
    contested = (np.bincount(row)[row] > 1) | (np.bincount(column)[column] > 1) if len(row) else np.empty(0, np.bool_)
    if not contested.any():
        return row, column
    rows, columns = _unique_indices(row[contested]), _unique_indices(column[contested])
    r, c = _run_hungarian(gain[rows[:, None], columns])
    row, column = np.append(row[~contested], rows[r]), np.append(column[~contested], columns[c])
    order = np.argsort(row)
    return row[order], column[order]


def solve_sparse_assignment(rows: Indices, columns: Indices, gain: Floats) -> Indices:
    """Indices, ascending, of the listed pairs that are matched, for a mostly empty matrix.

    No pair occurs twice, and gains are above 0. Pairs are the edges of a graph, whose connected components are solved
    one by one.
    """
    components = _connected_components(rows, columns)
    matched = [part[_match_component(rows[part], columns[part], gain[part])] for part in components]
    return np.sort(np.concatenate([np.empty(0, np.intp), *matched]))


def _run_hungarian(gain: Floats) -> tuple[Indices, Indices]:
    """Matched rows and columns of a dense (n, m) matrix; `early` favours low rows and columns among equal totals."""
    from scipy.optimize import linear_sum_assignment

    n, m = gain.shape
    early = (1 - np.arange(n) / n)[:, None] * (1 - np.arange(m) / m)
    row, column = linear_sum_assignment(np.where(gain > 0, gain + TIE_BREAK * early, 0), maximize=True)
    good = gain[row, column] > 0
    return row[good], column[good]


def _unique_indices(indices: Indices) -> Indices:
    # np.unique, for small numbers in a fraction of the time: this runs several times per frame.
    return np.flatnonzero(np.bincount(indices))


def _match_component(rows: Indices, columns: Indices, gain: Floats) -> Indices:
    """Indices of the matched pairs of one connected component."""
    row_names, row = np.unique(rows, return_inverse=True)
    column_names, column = np.unique(columns, return_inverse=True)
    dense = np.zeros((len(row_names), len(column_names)))
    dense[row, column] = gain
    position = np.empty(dense.shape, np.intp)
    position[row, column] = np.arange(len(rows))
    return position[solve_assignment(dense)]


def _connected_components(rows: Indices, columns: Indices) -> list[Indices]:
    """The pairs of each connected component of the graph, as indices into the list."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    if not len(rows):
        return []
    _, row = np.unique(rows, return_inverse=True)
    _, column = np.unique(columns, return_inverse=True)
    column += row.max() + 1
    graph = coo_array((np.ones(len(row), np.int8), (row, column)), shape=(column.max() + 1, column.max() + 1))
    part = connected_components(graph, directed=False)[1][row]
    order = np.argsort(part, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(part[order])) + 1)
