"""Metrics by hand, streams without an opinion among them."""

from __future__ import annotations

import numpy as np

from tasks.train.classification_metrics import compute_confusion, compute_metrics, compute_top1, mark_predicted

FOUND = np.array([[0.9, 0.1, 0.0], [0.2, 0.3, 0.5], [np.nan] * 3, [0.1, 0.8, 0.1]])
LABELS = np.array([0, 1, 1, 1])


def test_a_silent_stream_is_wrong_but_confuses_nothing() -> None:
    assert compute_top1(FOUND, LABELS) == 0.5
    assert compute_confusion(FOUND, LABELS) == [[1, 0, 0], [0, 1, 1], [0, 0, 0]]
    assert mark_predicted(FOUND).tolist() == [True, True, False, True]


def test_nothing_held_out_is_no_accuracy_at_all() -> None:
    found = compute_metrics({"fused": FOUND[:0]}, LABELS[:0], ("a", "b", "c"))
    assert found["top1"] == {"fused": None} and found["held_out"] == 0
    assert found["held_out_per_label"] == {"a": 0, "b": 0, "c": 0}
    assert np.array(found["confusion"]["fused"]).shape == (3, 3)
