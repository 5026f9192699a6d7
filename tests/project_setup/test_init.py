"""`semflow init`: what a new project holds, what is never overwritten, and what a failure leaves."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from dvc.utils.hydra import apply_overrides

from flows.cli import doctor, main
from flows.engine.project import Project
from flows.maintenance.merge import read_driver
from flows.project_setup import init_command
from flows.project_setup.project_files import add_missing_lines
from tasks.errors import SemflowError


def list_files(root: Path) -> dict[str, bytes]:
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file() and ".git" not in path.relative_to(root).parts and ".semflow" not in path.parts
    }


def test_a_new_project_is_ready_for_videos(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")  # as activated
    project = Project.open(made)
    assert project.videos == {}
    assert doctor._dvc(project) == "repository found, dvc.yaml is fresh"
    assert (made / "data/raw").is_dir()
    assert read_driver(made).endswith("-m semflow merge %O %A %B %P")
    names = {declaration.name for declaration in project.declarations}
    project.close()
    assert {path.stem for path in (made / "fingerprints").iterdir()} == names
    assert "# films" in (made / "README.md").read_text()


def test_git_keeps_what_people_write_and_leaves_data_to_dvc(made: Path) -> None:
    names = ["data/raw/a.mp4", "data/tracks/a.parquet", "data/frames/a.parquet", "data/recipes/track", ".semflow/x"]
    kept = ["params.yaml", "dvc.yaml", "dvc.lock", "data/raw.dvc", "data/labels/actions.csv", "fingerprints/track.json"]
    asked = ["git", "-C", str(made), "check-ignore", "--no-index", *names, *kept]
    ignored = subprocess.run(asked, capture_output=True, text=True, check=True).stdout.split()
    assert ignored == names


def test_the_parameters_are_those_of_semflow_with_their_meaning(made: Path, checkout: Path) -> None:
    text = (made / "params.yaml").read_text()
    assert yaml.safe_load(text) == yaml.safe_load((checkout / "params.yaml").read_text())
    below = text.partition("  max_gap_s:")[2].splitlines()[1]
    assert below == "    # Seconds without a detection that a track survives in the first pass."


def test_what_an_experiment_of_dvc_writes_keeps_every_comment(made: Path, tmp_path: Path) -> None:
    copy = tmp_path / "params.yaml"
    text = (made / "params.yaml").read_text()
    copy.write_text(text)
    for value in (2.5, 3.5):  # twice, as DVC writes lists in another layout than people
        apply_overrides(copy, [f"track.max_gap_s={value}"])  # what `dvc exp run --set-param` calls
        assert copy.read_text() == re.sub(r"(  max_gap_s: ).*", rf"\g<1>{value}", text)


@pytest.mark.parametrize("name", ["params.yaml", "dvc.yaml", ".dvc"])
def test_an_existing_project_is_not_touched(tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / name).mkdir() if name == ".dvc" else (tmp_path / name).write_text("mine")
    before = list_files(tmp_path)
    assert main.main(["init", str(tmp_path)]) == 2
    assert f"must not hold {name}, got one" in capsys.readouterr().err
    assert list_files(tmp_path) == before


def test_a_readme_and_patterns_that_are_there_stay(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("mine")
    (tmp_path / ".gitignore").write_text("/notes\n/.semflow/")
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    made = init_command.make_project(tmp_path)
    assert not made.is_new_repository
    assert (tmp_path / "README.md").read_text() == "mine"
    lines = (tmp_path / ".gitignore").read_text().splitlines()
    assert lines[:2] == ["/notes", "/.semflow/"] and "/data/raw/" in lines
    assert lines.count("/.semflow/") == 1


def test_a_failure_leaves_the_folder_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(root: Path) -> bool:
        raise SemflowError(f"{root} must be writable, got a full disk")

    monkeypatch.setattr("flows.maintenance.merge.install_driver", fail)
    (tmp_path / "there").mkdir()
    (tmp_path / "there/.gitignore").write_text("/notes\n")
    for folder in (tmp_path / "there", tmp_path / "new/films"):
        with pytest.raises(SemflowError, match="full disk"):
            init_command.make_project(folder)
    assert list_files(tmp_path) == {"there/.gitignore": b"/notes\n"}
    assert not (tmp_path / "new").exists() and not (tmp_path / "there/.git").exists()


def test_the_command_says_what_it_made_and_three_next_steps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main.main(["init", "films", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["root"] == str(tmp_path / "films") and answer["new_git_repository"]
    assert {"params.yaml", "dvc.yaml", ".dvc/config", ".gitattributes"} <= set(answer["files"])
    assert len(answer["next"]) == 3
    assert answer["next"][0].startswith("cd films && semflow run")


def test_a_project_below_the_top_of_a_repository_merges_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    init_command.make_project(tmp_path / "films")
    lock = "schema: '2.0'\nstages:\n  {}:\n    cmd: semflow stage {}\n"
    for name, stage in (("base", "decode"), ("ours", "decode"), ("theirs", "detect")):
        (tmp_path / name).write_text(lock.format(stage, stage))
    monkeypatch.chdir(tmp_path)  # where git calls the driver
    assert main.main(["merge", "base", "ours", "theirs", "films/dvc.lock"]) == 0
    assert "detect" in (tmp_path / "ours").read_text()


def test_missing_lines_are_added_once_and_comments_not_alone() -> None:
    assert add_missing_lines("a", "# why\na\nb\n") == "a\n# why\nb\n"
    assert add_missing_lines("a\nb\n", "# why\na\nb\n") == "a\nb\n"
