"""Similarity of vectors (cosine or Euclidean) with exact, order-independent sums.

Cosine, or one minus half the squared Euclidean distance; on unit vectors both are the same number and rank alike.
Floating-point sums vary with the number of threads, the chunk size, the library and the device, and a nearest neighbour
may flip with them. So vectors are first quantized to integers of length QUANTIZED_LENGTH: every product and every
partial sum of two such vectors is then an integer below 2^24 (Cauchy-Schwarz), which float32 holds exactly, whatever
the order of summation. Quantization moves a cosine by 7e-5 (one standard deviation).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

SimilarityMeasure = Literal["cosine", "euclidean"]
QUANTIZED_LENGTH = 4000.0  # (SCALE + sqrt(d) / 2)^2 < 2^24 up to d = 36,000: the largest range of integers in float32
MIN_LENGTH = 1e-12  # a zero vector, such as that of an empty cell, stays zero; its cosine with any vector is 0


@dataclass(frozen=True)
class QuantizedVectors:
    """Quantized vectors; the similarity of two is product_scale * (a . b + bias_a + bias_b) + offset."""

    quantized: NDArray[np.float32]
    """(n, d) integers, as float32."""
    bias: NDArray[np.float32]
    """(n,) minus half the squared length for Euclidean, 0 for cosine."""
    product_scale: float
    """Similarity per unit of the scalar product."""
    offset: float
    """1 for Euclidean, so that equal vectors have similarity 1; 0 for cosine."""

    def __len__(self) -> int:
        return len(self.quantized)

    @cached_property
    def biased(self) -> bool:
        """Whether similarities depend on more than the scalar product."""
        return bool(self.bias.any())

    def select_rows(self, rows: NDArray[np.intp] | slice) -> QuantizedVectors:
        """The vectors of these rows."""
        return QuantizedVectors(self.quantized[rows], self.bias[rows], self.product_scale, self.offset)


def quantize_vectors(
    first: NDArray[Any], second: NDArray[Any], measure: SimilarityMeasure
) -> tuple[QuantizedVectors, QuantizedVectors]:
    """Quantize (n, d) and (m, d) vectors of any length for comparison with each other by `measure`."""
    a, b = first.astype(np.float64), second.astype(np.float64)
    if measure == "cosine":
        return _quantize_for_cosine(a), _quantize_for_cosine(b)
    longest = float(max(_vector_lengths(a).max(initial=MIN_LENGTH), _vector_lengths(b).max(initial=MIN_LENGTH)))
    return _quantize_for_euclidean(a, longest), _quantize_for_euclidean(b, longest)


def compute_similarity(first: QuantizedVectors, second: QuantizedVectors) -> NDArray[np.float64]:
    """(n, m) similarities of all pairs of vectors in float64; meant for few vectors (see nearest_neighbours)."""
    products = first.quantized @ second.quantized.T
    return (products.astype(np.float64) + first.bias[:, None] + second.bias) * first.product_scale + first.offset


def _quantize_for_cosine(vectors: NDArray[np.float64]) -> QuantizedVectors:
    quantized = np.rint(vectors * (QUANTIZED_LENGTH / np.maximum(_vector_lengths(vectors), MIN_LENGTH))[:, None])
    return QuantizedVectors(
        quantized.astype(np.float32), np.zeros(len(quantized), np.float32), QUANTIZED_LENGTH**-2, 0.0
    )


def _quantize_for_euclidean(vectors: NDArray[np.float64], longest: float) -> QuantizedVectors:
    quantized = np.rint(vectors * (QUANTIZED_LENGTH / longest))
    bias = -0.5 * np.einsum("nd,nd->n", quantized, quantized)
    return QuantizedVectors(
        quantized.astype(np.float32), bias.astype(np.float32), (longest / QUANTIZED_LENGTH) ** 2, 1.0
    )


def _vector_lengths(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.sqrt(np.einsum("nd,nd->n", vectors, vectors))
