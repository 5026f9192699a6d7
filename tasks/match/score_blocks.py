"""Blocks of the table of scores of two grids: NumPy's on a CPU, torch's on an accelerator.

A score ranks the cells of one grid as their similarity to a cell of the other does: the scalar product of the quantized
vectors plus the bias of the ranked cell. Both compute the same numbers, as sums are exact (exact_similarity.py); on a
CPU NumPy reduces a block in a quarter of torch's time.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from tasks.arrays import Indices
from tasks.match.exact_similarity import QuantizedVectors

if TYPE_CHECKING:
    from torch import Tensor

FLOAT_BYTES = 4


class ScoreBlock(Protocol):
    """The scores of some rows of the first grid with all m cells of the second."""

    def column_maxima(self) -> NDArray[np.float32]:
        """(m,) the largest score of each cell of the second grid for the way back, over all rows of the block."""
        ...

    def exclude(self, outside: NDArray[np.bool_]) -> None:
        """Set the (rows, m) pairs `outside` to -inf for what follows."""
        ...

    def best_columns(self) -> Indices:
        """(rows,) the first of the largest scores of each row."""
        ...

    def gather(self, columns: Indices) -> NDArray[np.float32]:
        """(rows, k) scores of (rows, k) cells of the second grid."""
        ...


class BlockScorer(Protocol):
    """Computes blocks of the table."""

    def score_rows(self, rows: slice) -> ScoreBlock:
        """The block of these rows."""
        ...

    def score_columns(self, rows: slice, columns: Indices) -> NDArray[np.float32]:
        """(columns, rows) scores that rank the `rows` of the first grid for each of `columns` of the second."""
        ...


def make_block_scorer(first: QuantizedVectors, second: QuantizedVectors, device: str) -> BlockScorer:
    """The scorer of two grids on `device`."""
    return NumpyScorer.prepare(first, second) if device == "cpu" else TorchScorer.on_device(first, second, device)


@dataclass(frozen=True)
class NumpyScorer:
    """Blocks on the CPU."""

    first: QuantizedVectors
    second: QuantizedVectors
    columns: NDArray[np.float32]
    """(d, m) the second grid's quantized vectors, in that order in memory, which takes a little less time."""
    _products: list[NDArray[np.float32]] = field(default_factory=list[NDArray[np.float32]], init=False, repr=False)
    """Memory of a block, used again: asking the system for megabytes takes time too."""

    @classmethod
    def prepare(cls, first: QuantizedVectors, second: QuantizedVectors) -> NumpyScorer:
        """The scorer of two grids."""
        return cls(first, second, np.ascontiguousarray(second.quantized.T))

    def score_rows(self, rows: slice) -> NumpyBlock:
        """The block of these rows, which holds until the next one is asked for."""
        vectors = self.first.quantized[rows]
        if not self._products or len(self._products[0]) < len(vectors):
            self._products[:] = [np.empty((len(vectors), len(self.second)), np.float32)]
        products = np.matmul(vectors, self.columns, out=self._products[0][: len(vectors)])
        if not self.second.biased:
            return NumpyBlock(products, products)
        return NumpyBlock(products + self.second.bias, products + self.first.bias[rows, None])

    def score_columns(self, rows: slice, columns: Indices) -> NDArray[np.float32]:
        """(columns, rows) scores for the way back."""
        return self.second.quantized[columns] @ self.first.quantized[rows].T + self.first.bias[rows]


@dataclass(frozen=True)
class NumpyBlock:
    """A block on the CPU."""

    there: NDArray[np.float32]
    """(rows, m) scores that rank columns."""
    back: NDArray[np.float32]
    """(rows, m) scores that rank rows; the same array where there is no bias."""

    def column_maxima(self) -> NDArray[np.float32]:
        """(m,) largest scores of the columns."""
        return self.back.max(axis=0)

    def exclude(self, outside: NDArray[np.bool_]) -> None:
        """Set pairs to -inf."""
        self.there[outside] = -np.inf

    def best_columns(self) -> Indices:
        """(rows,) best columns."""
        return self.there.argmax(axis=1)

    def gather(self, columns: Indices) -> NDArray[np.float32]:
        """(rows, k) scores."""
        return np.take_along_axis(self.there, columns, axis=1)


@dataclass(frozen=True, eq=False)
class TorchScorer:
    """Blocks on an accelerator."""

    first: Tensor
    first_bias: Tensor
    second: Tensor
    second_bias: Tensor

    @classmethod
    def on_device(cls, first: QuantizedVectors, second: QuantizedVectors, device: str) -> TorchScorer:
        """The vectors of both grids copied to `device`."""
        import torch

        parts = (first.quantized, first.bias, second.quantized, second.bias)
        return cls(*(torch.from_numpy(part).to(device) for part in parts))

    def score_rows(self, rows: slice) -> TorchBlock:
        """The block of these rows."""
        products = self.first[rows] @ self.second.T
        return TorchBlock(products + self.second_bias, products + self.first_bias[rows, None])

    def score_columns(self, rows: slice, columns: Indices) -> NDArray[np.float32]:
        """(columns, rows) scores for the way back."""
        scores = self.second[_to_device(columns, self.second)] @ self.first[rows].T + self.first_bias[rows]
        return scores.cpu().numpy()


@dataclass(frozen=True, eq=False)
class TorchBlock:
    """A block on an accelerator."""

    there: Tensor
    """(rows, m) scores that rank columns."""
    back: Tensor
    """(rows, m) scores that rank rows."""

    def column_maxima(self) -> NDArray[np.float32]:
        """(m,) largest scores of the columns."""
        return self.back.amax(dim=0).cpu().numpy()

    def exclude(self, outside: NDArray[np.bool_]) -> None:
        """Set pairs to -inf."""
        self.there.masked_fill_(_to_device(outside, self.there), -np.inf)

    def best_columns(self) -> Indices:
        """(rows,) best columns."""
        return self.there.argmax(dim=1).cpu().numpy()

    def gather(self, columns: Indices) -> NDArray[np.float32]:
        """(rows, k) scores."""
        return self.there.gather(1, _to_device(columns, self.there)).cpu().numpy()


def _to_device(values: NDArray[np.generic], like: Tensor) -> Tensor:
    import torch

    return torch.from_numpy(values).to(like.device)
