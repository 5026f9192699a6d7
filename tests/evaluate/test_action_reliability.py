"""Reliability of windows: what counts, and the error by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from flows.evaluate.action_reliability import WindowPrediction, count_confident, measure_reliability

VOCABULARIES = {"kinetics-400": ("waving", "clapping")}


def window(label: str, probability: float, stream: str = "rgb", vocabulary: str = "kinetics-400") -> WindowPrediction:
    return WindowPrediction(stream, vocabulary, label, probability)


def test_windows_that_are_surer_than_they_are_right_make_an_error() -> None:
    labelled = [
        ("waving", [window("waving", 0.95), window("clapping", 0.93)]),
        ("clapping", [window("clapping", 0.42)]),
    ]
    errors, tables = measure_reliability(labelled, VOCABULARIES)
    assert errors == {"ece rgb": pytest.approx((2 * abs(0.94 - 0.5) + abs(0.42 - 1)) / 3)}
    assert [(row["confidence"], row["windows"], row["right"]) for row in tables["reliability, rgb"]] == [
        ("0.4 to 0.5", 1, 1.0),
        ("0.9 to 1.0", 2, 0.5),
    ]


def test_clips_without_a_label_and_streams_that_do_not_know_it_do_not_count() -> None:
    labelled = [
        (None, [window("waving", 0.9)]),
        ("zumba", [window("waving", 0.9)]),
        ("waving", [window("leap", 0.9, "flow", "synthetic")]),
    ]
    assert measure_reliability(labelled, VOCABULARIES) == ({}, {})


def test_confident_labels_are_counted_right_and_wrong_and_each_is_wrong_where_there_is_no_action() -> None:
    def sure(label: str) -> WindowPrediction:
        return replace(window(label, 0.9), confident=True)

    labelled = [
        ("waving", [sure("waving"), sure("clapping"), window("clapping", 0.4)]),
        ("none", [sure("waving"), window("waving", 0.4)]),
        ("zumba", [sure("waving")]),
        (None, [sure("waving")]),
    ]
    assert count_confident(labelled, VOCABULARIES) == {"confident right rgb": 1, "confident wrong rgb": 2}
    assert count_confident([("waving", [])], VOCABULARIES) == {}
