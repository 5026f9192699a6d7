from __future__ import annotations

import numpy as np
import pytest

from tasks.artifacts.action_model import LinearHead
from tasks.streams.calibration import (
    apply_temperature,
    compute_calibration_error,
    compute_reliability,
    fit_temperature,
    scale_head,
)
from tasks.streams.linear_head import predict_probabilities


def make_predictions(rows: int, sharpness: float) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities, and labels drawn from them; scores are then multiplied by `sharpness`."""
    random = np.random.default_rng(0)
    true = np.exp(random.normal(size=(rows, 4)))
    true /= true.sum(axis=1, keepdims=True)
    labels = (true.cumsum(axis=1) < random.random(rows)[:, None]).sum(axis=1)
    return apply_temperature(true, 1 / sharpness), labels


@pytest.mark.parametrize("sharpness", [0.5, 1.0, 3.0])
def test_the_temperature_is_the_one_by_which_scores_were_too_sharp(sharpness: float) -> None:
    found, labels = make_predictions(20_000, sharpness)
    assert fit_temperature(found, labels) == pytest.approx(sharpness, rel=0.05)


def test_scaling_an_overconfident_classifier_makes_its_confidence_its_accuracy_and_keeps_its_labels() -> None:
    found, labels = make_predictions(5_000, 4.0)
    calibrated = apply_temperature(found, fit_temperature(found, labels))
    assert (calibrated.argmax(axis=1) == found.argmax(axis=1)).all()
    before, after = compute_calibration_error(found, labels), compute_calibration_error(calibrated, labels)
    assert before is not None and after is not None
    assert before > 0.3 and after < 0.03


def test_a_scaled_head_gives_the_probabilities_at_that_temperature() -> None:
    random = np.random.default_rng(1)
    head = LinearHead("temporal", *(random.normal(size=shape).astype(np.float32) for shape in ((6, 3), (3,))))
    features = random.normal(size=(5, 6)).astype(np.float32)
    expected = apply_temperature(predict_probabilities(head, features), 2.5)
    assert predict_probabilities(scale_head(head, 2.5), features) == pytest.approx(expected, abs=1e-6)


def test_few_rows_that_are_all_right_do_not_make_it_certain() -> None:
    assert 0.2 < fit_temperature(np.array([[0.6, 0.4], [0.4, 0.6]]), np.array([0, 1])) < 1
    assert fit_temperature(np.empty((0, 2)), np.empty(0, int)) == 1


def test_reliability_counts_every_prediction_once_and_the_error_is_their_mean_gap() -> None:
    found = np.array([[0.92, 0.08], [0.95, 0.05], [0.64, 0.36], [0.35, 0.65]])
    bins = compute_reliability(found, np.array([0, 1, 0, 1]))
    assert [(one.low, one.count, one.accuracy) for one in bins] == [(0.6, 2, 1.0), (0.9, 2, 0.5)]
    error = compute_calibration_error(found, np.array([0, 1, 0, 1]))
    assert error == pytest.approx((2 * 0.355 + 2 * 0.435) / 4)
    assert compute_calibration_error(np.empty((0, 2)), np.empty(0, int)) is None


def test_no_prediction_stays_none() -> None:
    assert np.isnan(apply_temperature(np.full((1, 3), np.nan), 2.0)).all()
