"""What people wrote is found by the content hash that a recipe names."""

from __future__ import annotations

from pathlib import Path

import pytest

from flows.engine.inventory import Inventory
from flows.engine.project import Project
from flows.pipeline import STAGES
from flows.reading.artifact_source import ArtifactSource
from flows.reading.git_repository import GitRepository
from flows.versions.commits import History
from flows.versions.recorded_version import RecordedVersion
from flows.versions.user_files import UserFile, find_user_file
from tasks.artifacts.field_labels import FieldLabels
from tasks.content_hash import combine_hashes, md5_file
from tests.conftest import CHECKOUT
from tests.reading.conftest import git

FOLDER = "data/labels/walk"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Labels of a film in two commits, then changed."""
    git(tmp_path, "init", "-q", "-b", "main")
    folder = tmp_path / FOLDER
    folder.mkdir(parents=True)
    (folder / "points.csv").write_text("frame,x,y,label\n0,1,1,0\n")
    (folder / "names.txt").write_text("background\ndancer\n")
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-qm", "first labels")
    (folder / "points.csv").write_text("frame,x,y,label\n0,1,1,0\n0,9,9,1\n")
    git(tmp_path, "commit", "-qam", "more labels")
    return tmp_path


def find(root: Path, content: str) -> UserFile | None:
    source = ArtifactSource("here", root, {}, is_working_copy=True, repository=GitRepository(root, "here"))
    return find_user_file(RecordedVersion(source), History(source), "walk", content)


def read_content(root: Path) -> str:
    return combine_hashes({path.name: md5_file(path) for path in (root / FOLDER).iterdir()})


def test_a_folder_of_labels_is_named_with_the_commit_that_first_had_all_of_its_files(project: Path) -> None:
    content = read_content(project)
    (project / FOLDER / "names.txt").write_text("background\nwalker\n")
    found = find(project, content)
    assert found is not None and found.path == FOLDER
    assert found.commit is not None and found.commit.subject == "more labels"


def test_labels_that_are_in_no_commit_yet_are_named_without_one(project: Path) -> None:
    (project / FOLDER / "names.txt").write_text("background\nwalker\n")
    found = find(project, read_content(project))
    assert found is not None and (found.path, found.commit) == (FOLDER, None)
    assert find(project, "0" * 32) is None


def test_the_content_is_what_the_engine_writes_into_recipes(project: Path) -> None:
    (project / "params.yaml").write_bytes((CHECKOUT / "params.yaml").read_bytes())
    engine = Project.open(project, STAGES)
    kinds = [kind for one in engine.declarations for kind in one.inputs.values()]
    kind = next(kind for kind in kinds if kind.user_path == FieldLabels.path(Path(), "{video}").as_posix())
    assert Inventory(engine).hash_user_input(kind, "walk") == read_content(project)
