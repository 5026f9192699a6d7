"""Features of frames between the stored ones."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tasks.artifacts.dense_flow import DenseFlow
from tasks.artifacts.features import Features
from tasks.fit_field.feature_grids import read_feature_grid

ONE_SHOT = np.zeros(8, np.intp)


def keep(features: Features, frames: list[int]) -> Features:
    return replace(features, values=features.values[frames], frames=np.array(frames))


def mean_cosine(found: np.ndarray, wanted: np.ndarray) -> float:
    known = found.any(axis=2)
    assert known.mean() > 0.8
    return float(np.einsum("nd,nd->n", found[known], wanted[known]).mean())


def test_a_stored_frame_has_its_own_vectors(make_inputs) -> None:
    inputs = make_inputs(8)
    features, flow = inputs["features"], inputs["dense_flow"]
    np.testing.assert_array_equal(read_feature_grid(features, flow, ONE_SHOT, 3), features.vectors(3))


def test_a_frame_between_has_those_of_its_neighbour_moved_with_the_flow(make_inputs) -> None:
    inputs = make_inputs(8)
    features: Features = inputs["features"]
    flow: DenseFlow = inputs["dense_flow"]
    for stored in (2, 6):
        found = read_feature_grid(keep(features, [stored]), flow, ONE_SHOT, 4)
        assert found is not None
        wanted, unmoved = features.vectors(4), features.vectors(stored)
        assert mean_cosine(found, wanted) > mean_cosine(unmoved, wanted)


def test_a_damaged_neighbour_is_passed_over_and_the_end_of_a_shot_not_crossed(make_inputs) -> None:
    inputs = make_inputs(8)
    features, flow = inputs["features"], inputs["dense_flow"]
    some = keep(features, [2, 3])
    damaged = some.values.copy()
    damaged[1] = 0
    np.testing.assert_array_equal(
        read_feature_grid(replace(some, values=damaged), flow, ONE_SHOT, 4),
        read_feature_grid(keep(features, [2]), flow, ONE_SHOT, 4),
    )
    assert read_feature_grid(some, flow, np.repeat([0, 1], 4), 4) is None, "although flow is valid, as in a dissolve"
