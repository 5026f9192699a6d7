"""The model file: everything comes back, equal models are equal bytes, and what cannot be is refused."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from tasks.artifacts.action_model import ActionModel, LinearHead, StackSettings, TemporalStream, TrainingFeatures
from tasks.errors import SemflowError

RANDOM = np.random.default_rng(0)


def head(seen: str, labels: int = 2) -> LinearHead:
    weights = RANDOM.normal(size=(6, labels)).astype(np.float32)
    return LinearHead(seen, weights, np.arange(labels, dtype=np.float32))  # pyright: ignore[reportArgumentType]


MODEL = ActionModel(
    labels=("jump", "plié"),
    vocabulary="team",
    spatial=head("i3d"),
    temporal=TemporalStream(
        {"a.weight": RANDOM.normal(size=(2, 3)).astype(np.float16), "b": np.ones(2, np.float32)},
        head("temporal"),
        StackSettings("camera", 96),
    ),
    region="person",
    fusion=(0.25, 0.75),
    metrics={"top1": {"fused": 0.5, "spatial": None}},
    learned={
        "temporal": TrainingFeatures(
            np.zeros(6, np.float32),
            np.ones(6, np.float32),
            RANDOM.normal(size=(3, 6)).astype(np.float16),
            np.arange(3.0),
        )
    },
)


def test_everything_comes_back_in_its_own_precision(tmp_path: Path) -> None:
    MODEL.save(tmp_path / "model.npz")
    again = ActionModel.load(tmp_path / "model.npz")
    assert (again.labels, again.vocabulary, again.region, again.fusion, again.metrics) == (
        MODEL.labels, "team", "person", (0.25, 0.75), MODEL.metrics,
    )  # fmt: skip
    assert again.spatial is not None and MODEL.spatial is not None and again.spatial.feature_source == "i3d"
    np.testing.assert_array_equal(again.spatial.weights, MODEL.spatial.weights)
    assert again.temporal is not None and MODEL.temporal is not None
    assert again.temporal.stacks == MODEL.temporal.stacks
    for name, value in MODEL.temporal.trunk.items():
        assert again.temporal.trunk[name].dtype == value.dtype
        np.testing.assert_array_equal(again.temporal.trunk[name], value)
    assert set(again.learned) == {"temporal"}
    for part in dataclasses.fields(TrainingFeatures):
        value = getattr(MODEL.learned["temporal"], part.name)
        assert getattr(again.learned["temporal"], part.name).dtype == value.dtype
        np.testing.assert_array_equal(getattr(again.learned["temporal"], part.name), value)


def test_equal_models_are_equal_bytes(tmp_path: Path) -> None:
    MODEL.save(tmp_path / "one.npz")
    ActionModel.load(tmp_path / "one.npz").save(tmp_path / "two.npz")
    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "two.npz").read_bytes()


@pytest.mark.parametrize(("spatial", "temporal"), [(True, False), (False, True)])
def test_a_stream_may_be_missing(tmp_path: Path, spatial: bool, temporal: bool) -> None:
    one = dataclasses.replace(
        MODEL, spatial=MODEL.spatial if spatial else None, temporal=MODEL.temporal if temporal else None
    )
    one.save(tmp_path / "model.npz")
    again = ActionModel.load(tmp_path / "model.npz")
    assert (again.spatial is not None, again.temporal is not None) == (spatial, temporal)


def test_no_pickle_is_ever_opened(tmp_path: Path) -> None:
    np.savez(tmp_path / "model.npz", facts=np.array([{}], object))
    with pytest.raises(ValueError, match="allow_pickle"):
        ActionModel.load(tmp_path / "model.npz")


def test_another_file_is_refused_with_what_to_do(tmp_path: Path) -> None:
    np.savez(tmp_path / "model.npz", other=np.ones(2))
    with pytest.raises(SemflowError, match="must be an action model with metadata, got other; run"):
        ActionModel.load(tmp_path / "model.npz")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"labels": ("a", "a")}, "different names"),
        ({"labels": ()}, "at least one"),
        ({"labels": ("a", "b", "c")}, "3 outputs, one per label, got 2"),
        ({"fusion": (0.0, 0.0)}, "not both 0"),
        ({"fusion": (-0.5, 1.5)}, "weights from 0 on"),
    ],
)
def test_what_cannot_be_is_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(SemflowError, match=message):
        dataclasses.replace(MODEL, **change)  # pyright: ignore[reportArgumentType]
