"""Exact nearest neighbours between two sets of cell vectors, computed in chunks of rows.

All pairs of cells of two grids of 60 x 108 are 42 million similarities, 168 MB; a chunk holds CHUNK_BYTES of them,
whatever the grids. Of equal similarities the first in reading order wins. Sums are exact (exact_similarity.py), so the
result depends neither on the chunk size nor on threads or device.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tasks.arrays import Indices
from tasks.match.exact_similarity import QuantizedVectors

if TYPE_CHECKING:
    from torch import Tensor

CHUNK_BYTES = 32 << 20
FLOAT_BYTES = 4


@dataclass(frozen=True)
class SearchWindow:
    """Which pairs may match: those whose positions differ by at most `radius` in either coordinate."""

    first: NDArray[np.float32]
    """(n, 2) x, y at which each cell of the first grid is expected in the second; NaN: unlimited."""
    second: NDArray[np.float32]
    """(m, 2) x, y of each cell of the second grid."""
    radius: float
    """Largest difference of either coordinate."""

    def mask_outside(self, rows: slice) -> NDArray[np.bool_]:
        """(rows, m) the excluded pairs; none where a position is NaN."""
        (ax, ay), (bx, by) = self.first[rows].T[:, :, None], self.second.T
        return (np.abs(ax - bx) > self.radius) | (np.abs(ay - by) > self.radius)


@dataclass(frozen=True)
class NearestNeighbours:
    """Nearest neighbours of n cells."""

    index: Indices
    """(n,) the most similar cell of the other grid."""
    around: NDArray[np.float64]
    """(n, k) similarities of the cells around it, -inf outside the grid."""


def find_nearest(
    first: QuantizedVectors,
    second: QuantizedVectors,
    neighbours: Callable[[Indices], Indices],
    window: SearchWindow | None = None,
    *,
    device: str = "cpu",
    chunk_bytes: int = CHUNK_BYTES,
) -> NearestNeighbours:
    """The most similar of `second` for each of `first`, and the similarities of the cells around it.

    `neighbours` maps (n,) cells to the (n, k) cells around them, -1 for none.
    """
    index = np.empty(len(first), np.intp)
    around: list[NDArray[np.float64]] = []
    for rows, scores in _score_chunks(first, second, window, device, chunk_bytes):
        index[rows] = scores.argmax(dim=1).cpu().numpy()
        around.append(_gather_similarities(scores, neighbours(index[rows]), first.bias[rows], second))
    return NearestNeighbours(index, np.concatenate(around))


def identity_neighbourhood(index: Indices) -> Indices:
    """(n, 1) neighbourhood of the cell alone: for find_nearest where only its own similarity matters."""
    return index[:, None]


def _score_chunks(
    first: QuantizedVectors, second: QuantizedVectors, window: SearchWindow | None, device: str, chunk_bytes: int
) -> Iterator[tuple[slice, Tensor]]:
    """(rows of `first`, (rows, m) scores that rank the cells of `second` as the similarity does)."""
    import torch

    with torch.inference_mode():
        against = torch.from_numpy(second.quantized).to(device).T
        bias = torch.from_numpy(second.bias).to(device) if second.bias.any() else None
        step = max(1, chunk_bytes // (FLOAT_BYTES * max(1, len(second))))
        for start in range(0, len(first), step):
            rows = slice(start, start + step)
            scores = torch.from_numpy(first.quantized[rows]).to(device) @ against
            if bias is not None:
                scores += bias
            if window is not None:
                scores.masked_fill_(torch.from_numpy(window.mask_outside(rows)).to(device), -torch.inf)
            yield rows, scores


def _gather_similarities(
    scores: Tensor, asked: Indices, bias: NDArray[np.float32], second: QuantizedVectors
) -> NDArray[np.float64]:
    import torch

    at = torch.from_numpy(np.maximum(asked, 0)).to(scores.device)
    ranks = scores.gather(1, at).cpu().numpy().astype(np.float64)
    return np.where(asked >= 0, (ranks + bias[:, None]) * second.product_scale + second.offset, -np.inf)
