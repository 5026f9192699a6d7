"""Training from labels to model, on rendered figures; and what is said where labels and videos do not fit."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tasks.artifacts.action_labels import ActionLabels
from tasks.artifacts.action_model import ActionModel
from tasks.artifacts.artifact import Dataset
from tasks.checksummed_file import read_checksummed
from tasks.errors import BadInput
from tasks.train import train_action_model
from tasks.train.params import TrainParams
from tasks.train.pretrained_model import PRETRAINED_FILE
from tasks.train.stage import train
from tasks.train.stream_features import FeatureCache
from tests.factories.compute import make_compute

CPU = make_compute(batch=4)
Make = Callable[..., Any]


def run(films: Any, labels: ActionLabels, params: TrainParams) -> ActionModel:
    footage = films.footage
    inputs = footage.frames, footage.dense_flow, footage.tracks, labels
    return train.function(*inputs, shots=footage.shots, params=params, compute=CPU)


def saved(model: ActionModel, path: Path) -> bytes:
    model.save(path)
    return path.read_bytes()


def test_without_labels_it_is_the_pretrained_model_and_no_video_is_opened(params: Make, tmp_path: Path) -> None:
    nowhere = Dataset(ActionLabels, {"gone": tmp_path / "gone.parquet"})
    model = train.function(
        nowhere, nowhere, nowhere, ActionLabels.absent(), shots=nowhere, params=params(), compute=CPU
    )
    assert model.vocabulary == "synthetic"
    assert saved(model, tmp_path / "a.npz") == saved(ActionModel.load(PRETRAINED_FILE), tmp_path / "b.npz")


def test_a_team_s_labels_give_a_model_of_both_streams(films: Any, make_labels: Make, params: Make, shelf: Path) -> None:
    model = run(films, make_labels(), params())
    assert (model.labels, model.vocabulary, model.region) == (("kick", "stand"), "team", "person")
    assert model.spatial is not None and model.spatial.weights.shape == (1280, 2)
    assert model.temporal is not None and model.temporal.head.weights.shape == (768, 2)
    assert model.metrics["held_out_per_label"] == {"kick": 2, "stand": 2}
    assert model.metrics["top1"]["temporal"] == 1.0  # a kick moves, standing does not
    assert model.metrics["fusion"] == "learned on 2 folds"
    assert model.fusion[1] > 0.5
    assert set(model.metrics["confusion"]) == {"spatial", "temporal", "fused"}
    assert [point["segments"] for point in model.metrics["learning_curve"]] == [5], "a half of ten rows"
    assert model.metrics["learning_curve"][0]["top1"] > 0.5
    assert {stream: one.vectors.shape for stream, one in model.learned.items()} == {
        "spatial": (6, 1280),
        "temporal": (6, 768),
    }


def test_again_it_gives_the_same_bytes_without_looking_again(
    films: Any, make_labels: Make, params: Make, shelf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = saved(run(films, make_labels(), params()), tmp_path / "a.npz")
    monkeypatch.setattr(train_action_model, "extract_stream_features", lambda *_: pytest.fail("looked again"))
    assert saved(run(films, make_labels(), params()), tmp_path / "b.npz") == first


def test_a_killed_run_continues_where_it_was(
    films: Any, make_labels: Make, params: Make, shelf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[str] = []
    look = train_action_model.extract_stream_features

    def killed_at_four(segment: Any, *rest: Any) -> Any:
        if len(looked) == 4:
            raise KeyboardInterrupt
        looked.append(segment.video)
        return look(segment, *rest)

    monkeypatch.setattr(train_action_model, "extract_stream_features", killed_at_four)
    with pytest.raises(KeyboardInterrupt):
        run(films, make_labels(), params())
    monkeypatch.setattr(
        train_action_model,
        "extract_stream_features",
        lambda segment, *rest: looked.append(segment.video) or look(segment, *rest),
    )
    resumed = saved(run(films, make_labels(), params()), tmp_path / "a.npz")
    assert len(looked) == len(set(looked)) == 10
    for file in shelf.iterdir():
        file.unlink()
    assert saved(run(films, make_labels(), params()), tmp_path / "b.npz") == resumed


def test_a_look_that_is_not_as_it_was_kept_is_taken_again(
    films: Any, make_labels: Make, params: Make, shelf: Path, tmp_path: Path
) -> None:
    first = saved(run(films, make_labels(), params()), tmp_path / "a.npz")
    cut, changed, empty, *_ = sorted(shelf.glob("*.look"))
    cut.write_bytes(cut.read_bytes()[:50])
    changed.write_bytes(changed.read_bytes()[:-1] + b"?")
    empty.write_bytes(b"")
    assert saved(run(films, make_labels(), params()), tmp_path / "b.npz") == first
    assert all(read_checksummed(path) for path in (cut, changed, empty))


def test_what_a_killed_process_left_on_the_shelf_goes_after_a_day(shelf: Path) -> None:
    shelf.mkdir(parents=True)
    old, young = shelf / ".a.look.1.2", shelf / ".b.look.1.2"
    for half in (old, young):
        half.write_bytes(b"half")
    os.utime(old, (0, 0))
    FeatureCache.open()
    assert (old.exists(), young.exists()) == (False, True)


def test_the_whole_network_may_learn_and_leaves_no_state_behind(
    films: Any, make_labels: Make, params: Make, shelf: Path
) -> None:
    model = run(films, make_labels(), params(temporal="full", spatial="none", epochs=1))
    assert model.spatial is None and model.temporal is not None
    assert model.fusion == (0.0, 1.0)
    pretrained = ActionModel.load(PRETRAINED_FILE).temporal
    assert pretrained is not None
    name = "features.0.0.weight"
    assert (model.temporal.trunk[name] != pretrained.trunk[name]).any()
    assert not list(shelf.glob("*.pt"))


def test_a_video_too_short_for_motion_is_told_by_its_looks(
    films: Any, make_labels: Make, params: Make, shelf: Path
) -> None:
    rows = [f"{label}{number},{label},train" for label in ("kick", "stand") for number in range(3)]
    labels = make_labels(*rows, "short,kick,held-out", "empty,kick,held-out", columns="video,label,split")
    model = run(films, labels, params())
    assert model.metrics["without_motion"] == 1
    assert model.metrics["held_out_videos"] == ["empty", "short"]
    assert np.sum(model.metrics["confusion"]["fused"]) == 2
    assert np.sum(model.metrics["confusion"]["temporal"]) == 1


def test_a_label_with_one_video_is_learned_and_not_measured(
    films: Any, make_labels: Make, params: Make, shelf: Path
) -> None:
    model = run(films, make_labels("kick0.mp4,kick", "stand0,stand"), params())
    assert model.metrics["held_out"] == 0 and model.metrics["top1"]["fused"] is None
    assert model.metrics["fusion"].startswith("average: a label has one video")
    assert model.fusion == (0.5, 0.5)


@pytest.mark.parametrize(
    ("columns", "rows", "message"),
    [
        ("video,label", ["kick0,kick"], "must hold at least two labels, got kick"),
        ("video,label", [" ,"], "must hold at least two labels, got none"),
        ("video,label", ["kick9,kick", "stand0,stand"], r"actions\.csv:2: video must be .* got 'kick9'; there are"),
        ("video,label,start_s", ["kick0,kick,9", "stand0,stand,"], r"csv:2: start_s .* ends at 0\.52 s.* got 9 to"),
        ("video,label,track_id", ["kick0,kick,5", "stand0,stand,"], r"actions\.csv:2: track_id .* got 5; there are 3"),
        ("video,label,split", ["kick0,kick,train", "stand0,stand,held-out"], "to train on, got none of stand"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_told_with_its_line(
    films: Any, make_labels: Make, params: Make, shelf: Path, columns: str, rows: list[str], message: str
) -> None:
    with pytest.raises(BadInput, match=message):
        run(films, make_labels(*rows, columns=columns), params())
