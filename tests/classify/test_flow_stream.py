"""A motion head on stacks forwards and backwards: what it reads, and that either half counts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from tasks.artifacts.action_model import ActionModel, LinearHead, TemporalStream
from tasks.artifacts.dense_flow import DenseFlow
from tasks.artifacts.frames import Frames
from tasks.artifacts.tracks import Tracks
from tasks.classify.classification_inputs import ClassificationInputs
from tasks.classify.flow_stream import predict_flow
from tasks.classify.params import ClassifyParams
from tasks.classify.person_selection import select_longest_tracks
from tasks.classify.stream_prediction import StreamPrediction
from tasks.classify.subject_windows import make_subject_windows

PERSON = (1, 0, 40, "person")
Predict = Callable[[ActionModel], list[StreamPrediction]]
LOUD = 1e4  # features of random weights are small


@pytest.fixture
def predict(
    make_frames: Callable[..., Frames],
    make_flow: Callable[..., DenseFlow],
    make_tracks: Callable[..., Tracks],
    params: Callable[..., ClassifyParams],
) -> Predict:
    def predict(model: ActionModel) -> list[StreamPrediction]:
        frames = make_frames(40)
        flow, settings = make_flow(frames), params(max_windows=1)
        people = select_longest_tracks(make_tracks(frames, PERSON), 1)
        subjects = make_subject_windows(frames.pts_s, frames.ok, flow.cut, people, settings.window_plan)
        return list(predict_flow(ClassificationInputs(frames, flow, subjects, model, settings, "cpu")))

    return predict


def with_head(model: ActionModel, *halves: np.ndarray) -> ActionModel:
    temporal = model.temporal
    assert isinstance(temporal, TemporalStream)
    source = "temporal" if len(halves) == 1 else "temporal-both-ways"
    head = LinearHead(source, np.concatenate(halves), temporal.head.bias)
    return replace(model, temporal=replace(temporal, head=head))


def test_a_head_that_ignores_the_way_back_predicts_what_one_without_it_does(
    predict: Predict, make_model: Callable[..., ActionModel]
) -> None:
    model = make_model()
    assert model.temporal is not None
    weights = np.float32(LOUD) * model.temporal.head.weights
    (plain,), (both,) = predict(with_head(model, weights)), predict(with_head(model, weights, 0 * weights))
    np.testing.assert_array_equal(plain.probabilities, both.probabilities)
    np.testing.assert_array_equal(plain.saliency[0].cam, both.saliency[0].cam)


def test_the_way_back_counts(predict: Predict, make_model: Callable[..., ActionModel]) -> None:
    model = make_model()
    assert model.temporal is not None
    weights = np.float32(LOUD) * model.temporal.head.weights
    (plain,), (order,) = predict(with_head(model, weights)), predict(with_head(model, weights, -weights))
    assert np.abs(plain.probabilities - order.probabilities).max() > 0.01
    assert order.probabilities.sum() == pytest.approx(1)
