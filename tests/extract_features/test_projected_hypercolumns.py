"""Projecting layer by layer: the vectors of the joined layers, projected."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tasks.extract_features.hypercolumns import join_layers
from tasks.extract_features.projected_hypercolumns import join_projected_layers
from tasks.geometry.cell_grid import l2_normalize
from tasks.geometry.wccn_projection import LinearProjection

CHANNELS = (4, 6, 8)


def make_projection(seed: int) -> LinearProjection:
    rng = np.random.default_rng(seed)
    mean, axes = rng.normal(size=sum(CHANNELS)) / 4, rng.normal(size=(sum(CHANNELS), 5))
    return LinearProjection(mean.astype(np.float32), axes.astype(np.float32))


@given(st.integers(0, 50), st.integers(1, 15), st.integers(1, 15))
def test_vectors_are_those_of_the_joined_layers_projected(seed: int, rows: int, columns: int) -> None:
    rng = np.random.default_rng(seed)
    sizes = [(-(-rows // n), -(-columns // n)) for n in (1, 2, 4)]
    layers = [
        rng.integers(-8, 9, (*size, channels)).astype(np.float32)
        for size, channels in zip(sizes, CHANNELS, strict=True)
    ]
    projection = make_projection(seed)
    expected = l2_normalize(projection.project_vectors(join_layers(layers)))
    np.testing.assert_allclose(join_projected_layers(layers, projection), expected, atol=1e-4)


def test_a_uniform_image_has_one_vector_everywhere() -> None:
    sizes = zip((8, 4, 2), CHANNELS, strict=True)
    layers = [np.full((rows, 2 * rows, channels), 3.7, np.float32) for rows, channels in sizes]
    projection = make_projection(1)
    found = join_projected_layers(layers, projection)
    bare = -projection.mean.astype(np.float64) @ projection.axes
    np.testing.assert_allclose(found, np.broadcast_to(bare / np.linalg.norm(bare), found.shape), atol=1e-6)
