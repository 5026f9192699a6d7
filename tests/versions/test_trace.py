"""A row of an artifact is traced to the film, through every recipe, at any version."""

from __future__ import annotations

import hashlib
import json
import uuid
from datetime import datetime
from pathlib import Path

import pytest

import semflow
from flows.cli import main
from flows.overview.weight_licences import UNKNOWN_LICENCE, find_licence
from flows.versions.openlineage import make_events
from semflow import SemflowError
from tasks.weights.catalog import WEIGHTS
from tests.reading.conftest import git

COMMAND = ["trace", "tracks", "steady"]


def test_the_steps_lead_from_the_film_to_the_artifact(versions: Path) -> None:
    lineage = semflow.open(versions).trace("tracks", "steady").lineage
    assert (lineage.steps[0].stage, lineage.steps[-1].stage) == ("decode", "track")
    assert {step.stage for step in lineage.steps} == {"decode", "detect", "estimate_flow", "extract_features", "track"}
    inputs = lineage.steps[-1].inputs
    assert inputs["detections"] == "detect steady" and inputs["corrections"] == "nothing"
    assert lineage.steps[0].inputs == {"raw": "data/raw/steady.mp4"}


def test_the_film_has_its_hashes_and_the_commit_that_added_it(versions: Path) -> None:
    film = semflow.open(versions).trace("tracks", "steady").lineage.film
    assert film is not None and film.added is not None
    assert film.sha256 == hashlib.sha256(b"film steady").hexdigest()
    assert film.added.commit == git(versions, "rev-parse", "v1").strip() and film.added.subject == "v1"


def test_another_film_in_its_place_does_not_give_its_hash(versions: Path) -> None:
    (versions / "data/raw/steady.mp4").write_text("another film")
    film = semflow.open(versions, rev="v1").trace("tracks", "steady").lineage.film
    assert film is not None and film.sha256 is None


def test_a_film_that_lies_elsewhere_is_found_by_videos_yaml(versions: Path, tmp_path: Path) -> None:
    (versions / "data/raw/steady.mp4").rename(tmp_path / "far.mp4")
    (versions / "videos.yaml").write_text(f"steady.mp4: {tmp_path / 'far.mp4'}\n")
    film = semflow.open(versions).trace("tracks", "steady").lineage.film
    assert film is not None and film.sha256 == hashlib.sha256(b"film steady").hexdigest()


def test_an_address_is_traced_with_its_commits(versions: Path, tmp_path: Path) -> None:
    config = versions / ".dvc/config"
    config.write_text(f"[core]\n    remote = here\n['remote \"here\"']\n    url = {versions / '.dvc/cache'}\n")
    git(versions, "add", "-A")
    git(versions, "commit", "-qm", "remote")
    lineage = semflow.open(f"file://{versions}", cache=tmp_path / "cache").trace("tracks", "steady").lineage
    assert lineage.steps[-1].recorded is not None and lineage.steps[-1].recorded.subject == "v2"
    assert lineage.film is not None and lineage.film.sha256 is None


def test_a_recipe_has_the_first_commit_that_recorded_it(versions: Path) -> None:
    steps = {step.stage: step.recorded for step in semflow.open(versions).trace("tracks", "steady").lineage.steps}
    subjects = {stage: None if commit is None else commit.subject for stage, commit in steps.items()}
    assert subjects == {
        "decode": "v1", "estimate_flow": "v1", "extract_features": "v1", "detect": "v2", "track": "v2"
    }  # fmt: skip


def test_a_revision_is_traced_with_its_own_parameters(versions: Path) -> None:
    (versions / "data/raw/steady.mp4").unlink()
    now, then = (semflow.open(versions, rev=rev).trace("tracks", "steady").lineage for rev in (None, "v1"))
    values = [lineage.steps[-1].method.params["max_gap_s"] for lineage in (now, then) if lineage.steps[-1].method]
    assert values == [0.2, 0.37]
    assert then.commit == git(versions, "rev-parse", "v1").strip()
    assert then.film is not None and then.film.sha256 is None


def test_a_row_comes_with_the_detection_that_it_is_made_of(versions: Path) -> None:
    found = semflow.open(versions, rev="v1").trace("tracks", "steady", row=3)
    assert (found.rows[0]["frame"], found.rows[0]["track_id"]) == (1, 2)
    assert found.detections[0]["row"] == 3 and found.detections[0]["x1"] == found.rows[0]["x1"]
    same = semflow.open(versions, rev="v1").trace("tracks", "steady", frame=1, track=2)
    assert same.rows == found.rows
    assert "row 3: frame 1" in str(found)


def test_rows_that_do_not_exist_are_an_error(versions: Path) -> None:
    ds = semflow.open(versions)
    with pytest.raises(SemflowError, match=r"--row must lie in \[0, 50\) for tracks of steady, got 99"):
        ds.trace("tracks", "steady", row=99)
    with pytest.raises(SemflowError, match=r"must have such a row, got none for frame 1, track 9"):
        ds.trace("tracks", "steady", frame=1, track=9)
    with pytest.raises(SemflowError, match=r"--track must be given for a table with track_id, got frames"):
        ds.trace("frames", "steady", track=1)
    with pytest.raises(SemflowError, match=r"rows must be those of a table"):
        ds.trace("features", "steady", row=1)


def test_what_has_no_recipe_is_an_error(versions: Path) -> None:
    with pytest.raises(SemflowError, match=r"track of late must have a recipe in the working copy, got none"):
        semflow.open(versions).trace("tracks", "late")
    with pytest.raises(SemflowError, match=r"an artifact must be one of"):
        semflow.open(versions).trace("trucks", "steady")


def test_the_run_and_its_flow_run_are_named_where_this_machine_knows_them(versions: Path) -> None:
    (versions / ".semflow").mkdir()
    run = {"at": "2020-05-01T10:00:00+0000", "host": "studio", "pid": 7}
    outcomes = [{"stage": "track", "video": "steady", "result": "computed"}]
    later = {**run, "at": "2999-05-01T10:00:00+0000", "pid": 8}
    lines = [json.dumps({**one, "outcomes": outcomes}) for one in (run, later)]
    (versions / ".semflow/runs.jsonl").write_text("\n".join([*lines, '{"cut of']))
    (versions / ".semflow/prefect_runs.jsonl").write_text(json.dumps({"host": "studio", "pid": 7, "flow_run": "f-1"}))
    found = semflow.open(versions).trace("tracks", "steady")
    assert found.lineage.steps[-1].run == {"at": run["at"], "host": "studio", "flow_run": "f-1"}
    assert "on studio, Prefect flow run f-1" in str(found)


def test_the_command_prints_text_json_and_events(
    versions: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(versions)
    assert main.main([*COMMAND, "--row", "0"]) == 0
    text = capsys.readouterr().out
    assert "weights     toy aaaaaaaaaaaa (licence: your own)" in text
    assert "film data/raw/steady.mp4" in text and "parameters  max_gap_s 0.2" in text
    assert max(len(line) for line in text.splitlines()) <= 140
    assert main.main([*COMMAND, "--json", "--rev", "v1"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["steps"][-1]["params"] == {"max_gap_s": 0.37} and found["film"]["file"] == "steady.mp4"
    assert main.main([*COMMAND, "--openlineage"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [json.loads(line)["eventType"] for line in lines] == ["START", "COMPLETE"] * 5
    assert main.main([*COMMAND, "--openlineage", "--json"]) == 2


def test_weights_have_the_licence_of_the_file_that_was_used() -> None:
    one = WEIGHTS["yolo26n"]
    assert find_licence("yolo26n", one.sha256)[0] == one.licence == "AGPL-3.0"
    assert find_licence("yolo26n", "a" * 64)[0] == UNKNOWN_LICENCE, "another file under the same name"


def test_events_have_what_the_schema_of_openlineage_requires(versions: Path) -> None:
    lineage = semflow.open(versions).trace("tracks", "steady").lineage
    events = list(make_events(lineage, "semflow", "https://example.org/semflow"))
    assert events == list(make_events(lineage, "semflow", "https://example.org/semflow"))
    outputs: set[tuple[str, str]] = set()
    for event in events:
        # BaseEvent, RunEvent, Run, Job and Dataset of OpenLineage.json 2-0-2
        assert {"eventTime", "producer", "schemaURL", "run", "job"} <= event.keys()
        assert datetime.fromisoformat(event["eventTime"]).tzinfo is not None
        assert event["eventType"] in {"START", "RUNNING", "COMPLETE", "ABORT", "FAIL", "OTHER"}
        uuid.UUID(event["run"]["runId"])
        assert event["job"]["namespace"] and event["job"]["name"]
        for dataset in (*event["inputs"], *event["outputs"]):
            assert dataset["namespace"] and dataset["name"]
        facets = [*event["run"]["facets"].values(), *event["job"]["facets"].values()]
        facets += [facet for one in (*event["inputs"], *event["outputs"]) for facet in one["facets"].values()]
        facets += [facet for one in event["outputs"] for facet in one["outputFacets"].values()]
        for facet in facets:
            assert facet["_producer"].startswith("https://") and facet["_schemaURL"].startswith(
                "https://openlineage.io/"
            )
        assert {"processingType", "integration"} <= event["job"]["facets"]["jobType"].keys()
        made = {(one["name"], one["facets"]["version"]["datasetVersion"]) for one in event["inputs"]}
        assert made <= outputs | {("data/raw/steady.mp4", lineage.film.md5 if lineage.film else "")}
        outputs |= {(one["name"], one["facets"]["version"]["datasetVersion"]) for one in event["outputs"]}
    assert len({event["run"]["runId"] for event in events}) == len(lineage.steps)
