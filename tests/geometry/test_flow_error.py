from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tasks.geometry.flow_error import compute_endpoint_errors, find_fl_outliers, find_known_pixels


def epe(flow: np.ndarray, truth: np.ndarray) -> float:
    return float(compute_endpoint_errors(flow, truth).mean())


def fl_all(flow: np.ndarray, truth: np.ndarray) -> float:
    return 100 * float(find_fl_outliers(flow, truth).mean())


unhurried = settings(deadline=None)  # no time is asserted in tests

components = st.floats(-200, 200, width=32)
fields = arrays(np.float32, (4, 5, 2), elements=components)


@unhurried
@given(fields, components, components)
def test_a_constant_offset_has_its_length_as_epe(truth, x, y):
    offset = np.array((x, y), np.float32)
    moved = truth.astype(np.float64) + offset
    assert epe(moved, truth) == pytest.approx(math.hypot(x, y), abs=1e-4)


@unhurried
@given(fields, fields)
def test_epe_is_symmetric_and_zero_only_for_equal_fields(first, second):
    assert epe(first, second) == pytest.approx(epe(second, first))
    assert (epe(first, second) == 0) == np.array_equal(first, second)
    assert epe(first, first) == 0


@unhurried
@given(fields, fields)
def test_fl_counts_what_kittis_definition_counts(flow, truth):
    wrong = 0
    for (u, v), (gu, gv) in zip(flow.reshape(-1, 2).astype(float), truth.reshape(-1, 2).astype(float), strict=True):
        error, length = math.hypot(u - gu, v - gv), math.hypot(gu, gv)
        wrong += error >= 3 and error >= 0.05 * length
    assert fl_all(flow, truth) == pytest.approx(100 * wrong / 20)


def test_an_outlier_is_wrong_both_absolutely_and_in_proportion():
    truth = np.array([[[10, 0], [10, 0], [100, 0], [100, 0]]], np.float32)
    flow = truth + np.array([[[2.9, 0], [3.1, 0], [4.9, 0], [5.1, 0]]], np.float32)
    assert fl_all(flow, truth) == 50


@pytest.mark.parametrize("unknown", [1e9, -1e9, 1.7e9, np.inf, np.nan])
@pytest.mark.parametrize("axis", [0, 1])
def test_unknown_truth_counts_nowhere(unknown, axis):
    truth = np.zeros((2, 2, 2), np.float32)
    truth[0, 0, axis] = unknown
    flow = np.full((2, 2, 2), (3, 4), np.float32)
    assert find_known_pixels(truth).sum() == 3
    assert len(compute_endpoint_errors(flow, truth)) == 3
    assert epe(flow, truth) == 5
    assert fl_all(flow, truth) == 100


def test_nothing_known_gives_no_errors():
    truth = np.full((2, 2, 2), 1e10, np.float32)
    assert compute_endpoint_errors(truth, truth).shape == (0,)
    assert find_fl_outliers(truth, truth).shape == (0,)
