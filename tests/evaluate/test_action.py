"""The suite `action`: reading labels, scoring what is said, and the bar on real clips."""

from __future__ import annotations

import argparse
import io
import json
import re
from pathlib import Path

import cv2
import numpy as np
import pytest
from rich.console import Console

from flows.cli.console_scores import show_scores
from flows.evaluate import action
from flows.evaluate.action import (
    RGB_ONLY_MODEL,
    LabelledClip,
    count_confusions,
    list_label_scores,
    read_labelled_clips,
    score_clips,
)
from flows.evaluate.score_table import SuiteScores
from tasks.artifacts.actions import ActionPrediction
from tasks.classify.params import ClassifyParams
from tasks.decode.params import DecodeParams
from tasks.errors import BadInput
from tasks.params import ParamSections
from tests.factories.compute import make_compute

VOCABULARIES = {"kinetics-400": ("waving", "clapping", "jogging"), "team": ("plié", "jeté")}
PARAMS = ParamSections(
    {
        "compute": make_compute(batch=4),
        "decode": DecodeParams(
            max_side=640, fps=None, encoding="jpeg", quality=95, deinterlace="auto", tone_map="auto", anonymise="none"
        ),
        "classify": ClassifyParams(
            network="i3d",
            network_file=None,
            network_sha256=None,
            fps=25.0,
            window_length=64,
            window_stride=64,
            max_windows=16,
            max_people=3,
            classify_people_by_appearance=False,
            flow_stacks_per_window=3,
            min_probability=0.5,
            min_body_px=100.0,
            max_camera_speed=0.01,
            max_novelty=0.95,
            min_logit=0.0,
        ),
    }
)


def ranked(
    *words: tuple[str, float], stream: str = "rgb", vocabulary: str = "kinetics-400"
) -> dict[str, list[ActionPrediction]]:
    return {
        stream: [
            ActionPrediction(stream, vocabulary, label, p, n == 0 and p >= 0.5) for n, (label, p) in enumerate(words)
        ]
    }


def labelled(name: str, label: str | None) -> LabelledClip:
    return LabelledClip(name, Path(name), label)


def test_top_1_and_top_5_by_hand() -> None:
    clips = [labelled("a", "waving"), labelled("b", "jogging"), labelled("c", "clapping"), labelled("d", None)]
    said = [
        ranked(("waving", 0.9), ("jogging", 0.1)),
        ranked(("waving", 0.6), ("jogging", 0.3)),
        ranked(("waving", 0.6), ("jogging", 0.3)),
        ranked(("jogging", 0.2)),
    ]
    scores = score_clips(clips, said, VOCABULARIES)
    assert list(scores.items) == ["a", "b", "c"]
    assert scores.items["b"] == {"top-1 rgb": 0, "top-5 rgb": 1, "p rgb": 0.3}
    assert scores.items["c"] == {"top-1 rgb": 0, "top-5 rgb": 0, "p rgb": 0}
    assert scores.combined == {"top-1 rgb": 1 / 3, "top-5 rgb": 2 / 3, "p rgb": pytest.approx(0.4)}
    shown = scores.tables["predictions"]
    assert [row["clip"] for row in shown] == ["a", "b", "c", "d"]
    assert (shown[3]["label"], shown[3]["predicted"], shown[3]["confident"]) == ("(none)", "jogging", "no")
    assert [row["waving"] for row in scores.tables["confusion, rgb"]] == [1, 1, 1]
    assert [row["label"] for row in scores.tables["confusion, rgb"]] == ["clapping", "jogging", "waving"]


def test_a_stream_is_scored_only_on_labels_that_it_knows() -> None:
    """A team's word is none of Kinetics', so pictures are not blamed for it, and the other way round."""
    rgb = ranked(("waving", 0.9))
    flow = ranked(("jeté", 0.7), ("plié", 0.3), stream="flow", vocabulary="team")
    scores = score_clips([labelled("a", "plié"), labelled("b", "waving")], [rgb | flow, rgb | flow], VOCABULARIES)
    assert scores.items["a"] == {"top-1 flow": 0, "top-5 flow": 1, "p flow": 0.3}
    assert set(scores.items["b"]) == {"top-1 rgb", "top-5 rgb", "p rgb"}
    assert [row["label"] for row in scores.tables["confusion, flow"]] == ["plié"]


def test_a_clip_of_which_nothing_is_reported_is_shown_as_that() -> None:
    scores = score_clips([labelled("a", None), labelled("b", "waving")], [{}, ranked(("waving", 1.0))], VOCABULARIES)
    assert "nothing" in str(scores.tables["predictions"][0]["predicted"])


def test_a_confusion_matrix_counts_pairs() -> None:
    rows = count_confusions([("a", "a"), ("a", "b"), ("a", "b"), ("b", "b")])
    assert rows == [{"label": "a", "a": 1, "b": 2}, {"label": "b", "a": 0, "b": 1}]


def test_a_label_s_recall_and_precision_are_those_of_its_row_and_column() -> None:
    rows = list_label_scores([("a", "a"), ("a", "b"), ("a", "b"), ("b", "b"), ("c", "b")])
    assert rows[0] == {"label": "a", "clips": 3, "recall": 1 / 3, "precision": 1.0}
    assert rows[1] == {"label": "b", "clips": 1, "recall": 1.0, "precision": 1 / 4}
    assert rows[2] == {"label": "c", "clips": 1, "recall": 0.0, "precision": "-"}


def test_the_result_is_one_json_object_with_its_tables() -> None:
    scores = score_clips([labelled("a", "waving")], [ranked(("waving", 0.9))], VOCABULARIES)
    printed = json.loads(json.dumps(scores.as_json()))
    assert set(printed) == {"suite", "items", "combined", "tables"} and printed["suite"] == "action"


def test_the_terminal_shows_scores_what_was_said_and_the_confusion() -> None:
    scores = score_clips([labelled("a.mp4", "waving")], [ranked(("clapping", 0.7), ("waving", 0.25))], VOCABULARIES)
    console = Console(record=True, width=160, file=io.StringIO())
    show_scores(console, scores)
    text = console.export_text()
    assert "predictions" in text and "confusion, rgb" in text and "waving 0.25" in text
    assert re.search(r"combined .* 0\.0 .* 1\.0 .* 0\.25", text.replace("│", " "))


def write(folder: Path, table: str | None, *files: str) -> Path:
    if table is not None:
        (folder / "labels.csv").write_text(table, encoding="utf-8")
    for name in files:
        (folder / name).touch()
    return folder


def test_labels_come_first_and_other_clips_follow(tmp_path: Path) -> None:
    folder = write(
        tmp_path, "file,label,by\nb.gif, waving ,me\na.avi,,\n", "a.avi", "b.gif", "z.mp4", "Y.MOV", "no.txt"
    )
    found = [(clip.name, clip.label) for clip in read_labelled_clips(folder)]
    assert found == [("b.gif", "waving"), ("a.avi", None), ("Y.MOV", None), ("z.mp4", None)]


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (None, "must hold labels.csv"),
        ("clip,label\na.avi,waving\n", "must have the columns file and label, got clip, label"),
        ("file,label\na.avi,waving\nb.avi,waving\n", "must name files beside it, got 'b.avi'"),
        ("file,label\na.avi,waving\na.avi,clapping\n", "must name each file once, got 'a.avi' twice"),
    ],
)
def test_an_odd_table_is_an_error_that_says_so(tmp_path: Path, table: str | None, words: str) -> None:
    with pytest.raises(BadInput, match=words):
        read_labelled_clips(write(tmp_path, table, "a.avi"))


def test_a_table_in_another_encoding_is_an_error_that_says_so(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_bytes("file,label\na.avi,plié\n".encode("latin-1"))
    with pytest.raises(BadInput, match="must be UTF-8"):
        read_labelled_clips(tmp_path)


def evaluate(folder: Path, monkeypatch: pytest.MonkeyPatch) -> SuiteScores:
    monkeypatch.setattr(action, "_load_action_model", lambda file: RGB_ONLY_MODEL)
    return action.evaluate(argparse.Namespace(data=folder, model=None), PARAMS)


def test_labels_that_nobody_knows_are_answered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BadInput, match=r"must hold labels of Kinetics-400 or of the action model .* got sleeping late"):
        evaluate(write(tmp_path, "file,label\na.avi,sleeping late\n", "a.avi"), monkeypatch)


def test_a_clip_goes_the_whole_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = cv2.VideoWriter(str(tmp_path / "a.avi"), cv2.VideoWriter.fourcc(*"MJPG"), 25, (64, 48))
    for n in range(8):
        writer.write(np.full((48, 64, 3), 20 * n, np.uint8))
    writer.release()
    short = PARAMS["classify"].model_copy(update={"window_length": 8})
    monkeypatch.setitem(PARAMS, "classify", short)
    scores = evaluate(write(tmp_path, "file,label\na.avi,zumba\n"), monkeypatch)
    assert set(scores.items["a.avi"]) == {"top-1 rgb", "top-5 rgb", "p rgb"}


@pytest.mark.slow
def test_every_labelled_clip_is_known_by_its_looks(monkeypatch: pytest.MonkeyPatch, ground_truth: Path) -> None:
    scores = evaluate(ground_truth / "action", monkeypatch)
    assert len(scores.items) == 3
    assert scores.combined["top-1 rgb"] == 1
    assert len(scores.tables["predictions"]) == 5
