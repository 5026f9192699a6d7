from __future__ import annotations

import numpy as np
import pytest

from tasks.artifacts.table import NULL
from tasks.classify.stream_prediction import (
    MAX_LABELS,
    SaliencyMap,
    StreamPrediction,
    fuse_predictions,
    select_top_labels,
)

SQUARE = np.array([0.0, 0, 10, 10])


def make_look(stream: str, probabilities: list[float], **changed: object) -> StreamPrediction:
    found = np.array(probabilities, np.float32)
    saliency = tuple(SaliencyMap.without_map(SQUARE) for _ in select_top_labels(found))
    usual = {"window": 0, "stream": stream, "track_id": 1, "vocabulary": "team", "labels": ("a", "b")}
    return StreamPrediction(**{**usual, **changed}, probabilities=found, saliency=saliency)


def test_the_best_come_first_and_the_earlier_of_equals() -> None:
    assert select_top_labels(np.array([0.1, 0.3, 0.1, 0.3, 0.1, 0.1], np.float32)).tolist() == [1, 3, 0, 2, 4]
    assert len(select_top_labels(np.ones(400, np.float32))) == MAX_LABELS
    assert select_top_labels(np.ones(2, np.float32)).tolist() == [0, 1]


def test_evidence_is_scaled_to_its_peak_and_none_stays_none() -> None:
    strength = np.zeros((7, 7), np.float32)
    strength[2, 3], strength[0, 0] = 4, 1
    cam = SaliencyMap.from_activations(5, SQUARE, strength).cam.reshape(7, 7)
    assert (cam[2, 3], cam[0, 0], cam.sum()) == (255, 64, 319)
    assert (SaliencyMap.from_activations(5, SQUARE, np.zeros((7, 7), np.float32)).cam == 0).all()
    assert SaliencyMap.without_map(SQUARE).frame == NULL


def test_a_map_of_another_size_is_brought_to_seven_by_seven_by_area() -> None:
    strength = np.zeros((14, 14), np.float32)
    strength[4:6, 6:8] = 3
    cam = SaliencyMap.from_activations(5, SQUARE, strength).cam.reshape(7, 7)
    assert cam[2, 3] == 255 and cam.sum() == 255


def test_streams_are_fused_where_window_person_and_words_are_one() -> None:
    looks = [
        make_look("rgb", [0.8, 0.2]),
        make_look("rgb", [0.5, 0.5], window=1),
        make_look("rgb", [0.5, 0.5], window=2),
        make_look("flow", [0.4, 0.6]),
        make_look("flow", [0.4, 0.6], window=1, track_id=2),
        make_look("flow", [0.4, 0.6], window=2, vocabulary="synthetic"),
    ]
    (fused,) = fuse_predictions(looks, (0.75, 0.25))
    pooled = np.array([0.8**0.75 * 0.4**0.25, 0.2**0.75 * 0.6**0.25])
    assert (fused.stream, fused.window, fused.track_id) == ("fused", 0, 1)
    assert fused.probabilities == pytest.approx(pooled / pooled.sum())
