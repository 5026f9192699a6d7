"""Only stages whose items all have valid recipes are recorded in DVC."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from flows.engine.code_fingerprints import is_project_code, write_fingerprints
from flows.engine.dvc_yaml import render_dvc_yaml
from flows.engine.project import Project
from flows.engine.run import Summary, run_stale_items
from tests.engine import toys

Reopen = Callable[[], Project]


@pytest.fixture
def repository(project_root: Path, reopen: Reopen) -> Path:
    subprocess.run(["git", "init", "-q"], cwd=project_root, check=True)
    subprocess.run([sys.executable, "-m", "dvc", "init", "-q"], cwd=project_root, check=True)
    (project_root / "dvc.yaml").write_text(render_dvc_yaml(reopen()))
    return project_root


def status(root: Path) -> str:
    done = subprocess.run([sys.executable, "-m", "dvc", "status"], cwd=root, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def run(reopen: Reopen) -> Summary:
    toys.CALLS.clear()
    return run_stale_items(reopen())


def test_after_a_run_dvc_status_is_clean(reopen: Reopen, repository: Path) -> None:
    assert run(reopen).unrecorded == {}
    assert status(repository) == "Data and pipelines are up to date."


def test_every_stage_is_one_static_dvc_stage_with_persistent_outs(repository: Path) -> None:
    stages = yaml.safe_load((repository / "dvc.yaml").read_text())["stages"]
    assert list(stages) == ["read", "count", "repeat", "join"]
    assert stages["join"] == {
        "cmd": "semflow stage join --keep-going",
        "deps": ["data/counts", "data/echoes", "fingerprints/join.json"],
        "params": ["join"],
        "outs": [{"data/pages": {"persist": True}}, {"data/recipes/join": {"persist": True}}],
        "metrics": [{"metrics/join.json": {"cache": False, "persist": True}}],
    }


def test_code_outside_the_project_is_a_file_that_dvc_depends_on(reopen: Reopen, repository: Path) -> None:
    run(reopen)
    path = repository / "fingerprints/count.json"
    assert "tests.engine.toys" in json.loads(path.read_text())["code"]
    path.write_text(path.read_text().replace('"tests.engine.toys": "', '"tests.engine.toys": "0'))
    said = status(repository).split()
    assert said == ["count:", "changed", "deps:", "modified:", "fingerprints/count.json"]
    run(reopen)
    assert status(repository) == "Data and pipelines are up to date.", "a run writes the file of the code that ran"


def test_a_stage_that_dvc_calls_brings_the_files_up_to_date_but_makes_none(reopen: Reopen, repository: Path) -> None:
    assert write_fingerprints(reopen(), new=False) == []
    names = [f"fingerprints/{name}.json" for name in ("read", "count", "repeat", "join")]
    assert write_fingerprints(reopen()) == names
    (repository / names[0]).write_text("of an older version")
    assert write_fingerprints(reopen(), new=False) == names[:1]
    assert write_fingerprints(reopen()) == []


def test_an_environment_inside_the_project_is_no_code_of_the_project(tmp_path: Path) -> None:
    assert is_project_code(tmp_path, tmp_path / "stages/mine.py")
    assert not is_project_code(tmp_path, tmp_path / ".venv/lib/python3.11/site-packages/tasks/stage.py")


def test_a_stage_with_a_crashed_item_is_not_recorded(reopen: Reopen, repository: Path) -> None:
    (repository / "data/raw/one.mp4").write_text("crash")
    unrecorded = run(reopen).unrecorded
    assert set(unrecorded) == {"count", "join"}
    assert "count one is stale" in unrecorded["count"]
    lock = yaml.safe_load((repository / "dvc.lock").read_text())["stages"]
    assert set(lock) == {"read", "repeat"}


def test_a_recorded_fault_is_recorded_in_dvc_too(reopen: Reopen, repository: Path) -> None:
    (repository / "data/raw/one.mp4").write_text("")
    assert run(reopen).unrecorded == {}
    assert status(repository) == "Data and pipelines are up to date."


def test_an_earlier_parameter_value_comes_back_from_the_cache(reopen: Reopen, repository: Path) -> None:
    params = repository / "params.yaml"
    before = params.read_text()
    run(reopen)
    was = {p: p.read_bytes() for p in sorted((repository / "data").rglob("*")) if p.is_file()}
    params.write_text(before.replace("times: 2", "times: 3"))
    run(reopen)
    params.write_text(before)
    summary = run(reopen)
    assert toys.CALLS == []
    assert {str(o) for o in summary.outcomes if o.result == "restored"} != set()
    assert {p: p.read_bytes() for p in was} == was
    assert status(repository) == "Data and pipelines are up to date."


def test_a_write_to_an_artifact_does_not_reach_the_cache(reopen: Reopen, repository: Path) -> None:
    run(reopen)
    (repository / "data/echoes/two.txt").write_text("forged")
    summary = run(reopen)
    assert (repository / "data/echoes/two.txt").read_text() == "catcat"
    assert {o.result for o in summary.outcomes if (o.video, o.stage) == ("two", "repeat")} <= {"restored", "computed"}
