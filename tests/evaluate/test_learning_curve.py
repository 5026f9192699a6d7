"""The learning curve: few clips, imbalanced ones, and clips that show none of the labels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from flows.evaluate.learning_curve import LEARNING_CURVE, ClipFeatures, learn_streams, measure_learning_curve
from tasks.train.params import TrainParams
from tasks.train.pretrained_model import load_pretrained_temporal
from tasks.train.stream_features import StreamFeatures, TrainContext

VALUES: dict[str, Any] = yaml.safe_load((Path(__file__).parents[2] / "params.yaml").read_text())["train"]
NOISE = 1.5


@pytest.fixture
def context() -> TrainContext:
    params = TrainParams.model_validate({**VALUES, "spatial": "mobilenet-v2", "temporal": "head", "fusion": "learned"})
    return TrainContext(params, load_pretrained_temporal(), "cpu")


def make_clips(labels: int, count: int) -> ClipFeatures:
    """`count` clips of each label to learn from and `count` to measure on: a direction for each label, and noise."""
    random = np.random.default_rng(0)
    label, number = np.repeat(np.arange(labels), 2 * count), np.tile(np.arange(count), 2 * labels)
    directions = random.normal(0, 1, (labels, 16))

    def look(of: int, rows: int) -> np.ndarray:
        return (directions[of] + random.normal(0, NOISE, (rows, 16))).astype(np.float32)

    features = [StreamFeatures(look(of, 1), look(of, 2), np.empty((0, 0, 0, 0), np.int8)) for of in label.tolist()]
    is_learned = np.tile(np.repeat([True, False], count), labels)
    return ClipFeatures(features, label, number, [str(n) for n in range(len(label))], is_learned)


def test_there_is_a_row_for_each_number_of_clips_that_suffices(context: TrainContext) -> None:
    assert [row["clips of each label"] for row in measure_learning_curve(make_clips(2, 12), None, context)] == [5, 10]
    rows = measure_learning_curve(make_clips(3, 20), None, context)
    assert tuple(row["clips of each label"] for row in rows) == LEARNING_CURVE
    assert all(row.keys() == {"clips of each label", "fused", "imbalanced"} for row in rows)


def test_more_clips_are_better_and_imbalance_costs(context: TrainContext) -> None:
    rows = measure_learning_curve(make_clips(6, 20), None, context)
    fused, imbalanced = ([float(row[name]) for row in rows] for name in ("fused", "imbalanced"))
    assert fused[-1] > fused[0]
    assert sum(imbalanced) < sum(fused)


def test_all_clips_are_what_the_streams_learn_without_a_curve(context: TrainContext) -> None:
    clips = make_clips(3, 20)
    fused = learn_streams(clips, np.flatnonzero(clips.is_learned), context).probabilities["fused"]
    right = fused.argmax(axis=1) == clips.label
    assert measure_learning_curve(clips, None, context)[-1]["fused"] == right[~clips.is_learned].mean()


def test_none_of_these_is_one_more_label_and_the_others_are_scored_without_it(context: TrainContext) -> None:
    clips = make_clips(4, 10)
    with_none = measure_learning_curve(clips, 3, context)
    known = clips.take(np.flatnonzero(clips.label != 3))
    for row, alone, every in zip(
        with_none,
        measure_learning_curve(known, None, context),
        measure_learning_curve(clips, None, context),
        strict=True,
    ):
        assert (row["fused"], row["imbalanced"]) == (alone["fused"], alone["imbalanced"])
        assert row["with none of these"] == every["fused"]
        assert 0 < float(row["recall of none"]) <= 1
