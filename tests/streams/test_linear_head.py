"""Heads: the optimum of a convex loss, found whatever the order and scale of the features."""

from __future__ import annotations

import numpy as np
import torch

from tasks.streams.linear_head import fit_linear_head, predict_probabilities, softmax

RANDOM = np.random.default_rng(3)
LABELS = np.arange(90) % 3
FEATURES = (RANDOM.normal(size=(90, 5)) + np.eye(3, 5)[LABELS] * 1.5).astype(np.float32)


def test_it_agrees_with_gradient_descent_by_torch() -> None:
    """An independent optimiser and automatic gradients on the loss as it is written down."""
    x = torch.from_numpy((FEATURES - FEATURES.mean(0)) / FEATURES.std(0)).double()
    weights = torch.zeros(5, 3, dtype=torch.double, requires_grad=True)
    bias = torch.zeros(3, dtype=torch.double, requires_grad=True)
    optimizer = torch.optim.LBFGS([weights, bias], max_iter=500, tolerance_grad=1e-10, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        optimizer.zero_grad()
        value = torch.nn.functional.cross_entropy(x @ weights + bias, torch.from_numpy(LABELS))
        value = value + 0.05 / 2 * (weights**2).sum()
        value.backward()
        return value

    optimizer.step(loss)
    expected = softmax((x @ weights + bias).detach().numpy())
    head = fit_linear_head(FEATURES, LABELS, 3, ridge=0.05, feature_source="i3d")
    np.testing.assert_allclose(predict_probabilities(head, FEATURES), expected, atol=2e-4)


def test_a_feature_in_other_units_changes_nothing() -> None:
    units = np.array([1, 1000, 0.001, 1, 1], np.float32)
    one, other = (fit_linear_head(FEATURES * u, LABELS, 3, 0.05, "i3d") for u in (np.ones(5, np.float32), units))
    np.testing.assert_allclose(
        predict_probabilities(one, FEATURES), predict_probabilities(other, FEATURES * units), atol=1e-3
    )


def test_a_rare_label_is_not_drowned() -> None:
    """Twice the rows of one label weigh as much as once."""
    more = np.concatenate([np.arange(90), np.flatnonzero(LABELS == 0)])
    plain = fit_linear_head(FEATURES, LABELS, 3, 0.05, "i3d")
    doubled = fit_linear_head(FEATURES[more], LABELS[more], 3, 0.05, "i3d")
    np.testing.assert_allclose(
        predict_probabilities(plain, FEATURES), predict_probabilities(doubled, FEATURES), atol=0.03
    )


def test_a_feature_that_never_changes_does_no_harm() -> None:
    dead = np.concatenate([FEATURES, np.full((90, 1), 7, np.float32)], axis=1)
    assert np.isfinite(fit_linear_head(dead, LABELS, 3, 0.05, "i3d").weights).all()


def test_a_row_has_the_same_probabilities_alone_and_among_others() -> None:
    head = fit_linear_head(FEATURES, LABELS, 3, 0.05, "i3d")
    np.testing.assert_array_equal(
        predict_probabilities(head, FEATURES)[4:5], predict_probabilities(head, FEATURES[4:5])
    )
