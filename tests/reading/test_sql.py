"""`semflow sql` and `semflow describe`, and the page of data: what they print is right, and the code there runs."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks.engine.samples import write_samples
from flows.cli.main import main
from flows.reading.artifact_kinds import KINDS, OF_DATASET
from flows.reading.descriptions import describe_all, describe_artifact
from tasks.artifacts.features import Features
from tasks.artifacts.frames import Frames
from tasks.artifacts.semantic_field import FieldClass, FieldMap, FieldMetadata, SemanticField
from tasks.artifacts.semantic_flow import SemanticFlow, SemanticFlowMetadata, SemanticFlowPair
from tests.reading.conftest import GRID, HEIGHT, WIDTH, save

JOIN = (
    "select t.video, count(*) as rows, max(a.label) as label from tracks t join actions a using (video, track_id) "
    "where a.label = 'jump' and t.pts_s between a.start_s and a.end_s group by t.video order by t.video"
)


def test_tables_join_on_video_and_track(project: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    pytest.importorskip("duckdb")
    monkeypatch.chdir(project)
    assert main(["sql", JOIN, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["rows"] == [
        {"video": "steady", "rows": 20, "label": "jump"},
        {"video": "uneven", "rows": 15, "label": "jump"},
    ]


def test_a_result_is_printed_as_csv_or_written_as_parquet(project: Path, tmp_path: Path, capsys) -> None:
    pytest.importorskip("duckdb")
    query = ["sql", "select video, count(*) as n from features group by video order by video", "--from", str(project)]
    assert main([*query, "--csv"]) == 0
    assert list(csv.reader(capsys.readouterr().out.splitlines())) == [
        ["video", "n"],
        ["steady", "20"],
        ["uneven", "15"],
    ]
    assert main([*query, "--parquet", str(tmp_path / "n.parquet")]) == 0
    assert pd.read_parquet(tmp_path / "n.parquet").n.tolist() == [20, 15]
    assert not list(tmp_path.glob("*.part"))
    assert main(query) == 0
    assert "steady" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["selec 1"], "must be SQL that DuckDB can run, got Parser Error"),
        (["select * from nothing"], "tables are frames, dense_flow, features, tracks, actions"),
        (["select * from poses"], "Table with name poses does not exist! (poses is not stored"),
        (["select 1", "--json", "--csv"], "must not be given together"),
        (["select 1", "--parquet", "/nowhere/a.parquet"], "must name a file in an existing folder"),
    ],
)
def test_a_wrong_query_says_what_to_do(project: Path, capsys, words: list[str], message: str) -> None:
    pytest.importorskip("duckdb")
    assert main(["sql", *words, "--from", str(project)]) == 2
    assert message in capsys.readouterr().err


def test_describe_prints_columns_with_units_and_code(capsys) -> None:
    assert main(["describe", "tracks"]) == 0
    said = capsys.readouterr().out
    assert "pts_s" in said
    assert "presentation time of the frame" in said
    assert "ds.tracks.to_pandas" in said
    assert main(["describe"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == list(KINDS)
    assert main(["describe", "tracks", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["columns"][2]["unit"] == "s"


def test_describe_of_an_unknown_artifact_names_them(capsys) -> None:
    assert main(["describe", "boxes"]) == 2
    assert "an artifact must be one of frames, detections" in capsys.readouterr().err


def test_every_column_and_field_is_explained() -> None:
    for one in describe_all():
        assert one.summary, one.name
        for field in (*one.columns, *one.facts):
            assert field.meaning, f"{one.name}.{field.name}"


@pytest.fixture
def samples(tmp_path: Path) -> Path:
    """A project with one of every artifact, of the video `walk`."""
    root = tmp_path / "samples"
    (root / "data").mkdir(parents=True)
    (root / "params.yaml").write_text("")
    made = write_samples(tmp_path)
    for name, kind in KINDS.items():
        place = kind.path(root, "/dataset" if name in OF_DATASET else "walk")
        place.parent.mkdir(parents=True, exist_ok=True)
        made[kind.FOLDER].rename(place)
    facts = SemanticFlowMetadata(2, WIDTH, HEIGHT, GRID, "walk")
    flow = SemanticFlow(np.ones((1, 3, 4, 3), np.float16), (SemanticFlowPair(0, 1, start_s=0, end_s=0.04),), facts)
    save(root, "walk", SemanticFlow, flow.save)
    classes = (FieldClass("background"), FieldClass("person", 1))
    about = FieldMetadata(2, WIDTH, HEIGHT, 16, 12, classes, "user", video="walk")
    maps = [FieldMap(0, np.ones((12, 16), np.uint8), np.ones((12, 16), np.float32), pts_s=0.0)]
    save(root, "walk", SemanticField, SemanticField.stream(maps, about).save)
    features = Features.load(Features.path(root, "walk"))
    timed = replace(features, values=np.array(features.values), metadata=replace(features.metadata, pts_s=(0.0, 0.04)))
    timed.save(features.path(root, "walk"))
    return root


@pytest.mark.parametrize("name", KINDS)
def test_the_code_of_each_artifact_runs(samples: Path, monkeypatch: pytest.MonkeyPatch, capsys, name: str) -> None:
    monkeypatch.chdir(samples)
    code = describe_artifact(name).example
    assert len([line for line in code.splitlines() if line]) <= 6
    exec(compile(code, name, "exec"), {})
    assert capsys.readouterr().out or len(Frames.load(Frames.path(samples, "walk"))) == 2
