"""Joining layers: unit vectors, coarse cells where they belong, axes that are unique."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tasks.extract_features.hypercolumns import join_layers, upsample_layer


def layers(seed: int, rows: int = 12, columns: int = 20) -> list[np.ndarray[Any, Any]]:
    rng = np.random.default_rng(seed)
    sizes = [(rows, columns), (-(-rows // 2), -(-columns // 2)), (-(-rows // 4), -(-columns // 4))]
    return [rng.normal(size=(*size, c)).astype(np.float32) for size, c in zip(sizes, (4, 6, 8), strict=True)]


@given(st.integers(0, 50), st.integers(1, 15), st.integers(1, 15))
def test_every_cell_gets_a_vector_of_length_one(seed: int, rows: int, columns: int) -> None:
    found = join_layers(layers(seed, rows, columns))
    assert found.shape == (rows, columns, 18)
    lengths = np.linalg.norm(found, axis=2)
    assert np.all((np.abs(lengths - 1) < 1e-5) | (lengths == 0)), "a layer of one cell is its own mean: nothing is left"


def test_what_all_cells_of_a_layer_share_does_not_count() -> None:
    one = layers(3)
    other = [layer + np.float32(7) for layer in one]
    np.testing.assert_allclose(join_layers(one), join_layers(other), atol=1e-5)


def test_coarse_cells_keep_their_values_and_a_ramp_stays_a_ramp() -> None:
    coarse = np.arange(5, dtype=np.float32)[None, :, None] * 2 + np.zeros((3, 1, 1), np.float32)
    fine = upsample_layer(coarse, 6, 10)
    np.testing.assert_allclose(fine[:, :9, 0], np.arange(9)[None].repeat(6, 0))
    np.testing.assert_array_equal(fine[::2, ::2], coarse)
