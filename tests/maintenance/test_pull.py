"""What is recorded comes here by video and kind, and nothing else."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from flows.engine.plan import Plan
from tests.engine import toys
from tests.maintenance.conftest import Repository


@pytest.fixture
def clone(repository: Repository) -> Repository:
    """Everything is recorded and pushed; here are only the recipes' listings that git and DVC name."""
    repository.run()
    repository.push()
    repository.lose_cache()
    for folder in ("words", "counts", "echoes", "pages", "recipes", "raw"):
        shutil.rmtree(repository.root / "data" / folder)
    shutil.rmtree(repository.root / ".semflow")
    return repository


def data(root: Path) -> set[str]:
    found = (path.relative_to(root / "data").as_posix() for path in (root / "data").rglob("*") if path.is_file())
    return {name for name in found if not name.startswith("recipes") and not name.endswith((".gitignore", ".dvc"))}


def read_statuses(repository: Repository) -> dict[str, str]:
    project = repository.open()
    try:
        return {str(item): state.status for item, state in Plan.examine_project(project).states.items()}
    finally:
        project.close()


def test_one_kind_of_one_video_comes_and_the_rest_stays_remote(clone: Repository) -> None:
    found = clone.semflow("pull", "one", "--artifacts", "counts")
    assert data(clone.root) == {"counts/one.txt"}
    assert (found["brought"], found["bytes"], found["from_remote"]) == (1, 1, 1)
    states = read_statuses(clone)
    assert states.pop("count one") == "fresh"
    assert set(states.values()) == {"remote"}


def test_all_artifacts_of_a_video_come_folders_too(clone: Repository) -> None:
    clone.semflow("pull", "one")
    assert data(clone.root) == {
        "words/one.txt",
        "counts/one.txt",
        "echoes/one.txt",
        "pages/one/0.txt",
        "pages/one/1.txt",
    }


def test_raw_videos_come_when_they_are_asked_for(clone: Repository) -> None:
    clone.semflow("pull", "two", "--raw")
    assert data(clone.root) == {"raw/two.mp4"}
    clone.semflow("pull", "one", "--raw", "--artifacts", "data/words")
    assert data(clone.root) == {"raw/two.mp4", "raw/one.mp4", "words/one.txt"}


def test_a_whole_pull_leaves_nothing_to_do(clone: Repository) -> None:
    found = clone.semflow("pull")
    assert found["brought"] == 10
    clone.semflow("pull", "--raw")
    summary = clone.run()
    assert toys.CALLS == []
    assert {outcome.result for outcome in summary.outcomes} == {"reused"}
    assert clone.status() == "Data and pipelines are up to date."
    again = clone.semflow("pull")
    assert (again["brought"], again["here"], again["from_remote"]) == (0, 10, 0)


def test_the_cache_is_asked_before_the_remote(clone: Repository) -> None:
    clone.semflow("pull", "one")
    shutil.rmtree(clone.root / "data/words")
    shutil.rmtree(clone.team)
    found = clone.semflow("pull", "one", "--artifacts", "words")
    assert (found["brought"], found["from_remote"]) == (1, 0)


def test_what_is_here_and_other_is_left_and_named(clone: Repository) -> None:
    (clone.root / "data/words").mkdir(parents=True)
    (clone.root / "data/words/one.txt").write_text("mine")
    (clone.root / "data/pages/two").mkdir(parents=True)
    (clone.root / "data/pages/two/7.txt").write_text("mine")
    found = clone.semflow("pull")
    assert sorted(found["other"]) == ["data/pages/two/7.txt", "data/words/one.txt"]
    assert (clone.root / "data/words/one.txt").read_text() == "mine"
    assert not (clone.root / "data/pages/two/0.txt").exists()


def test_a_half_written_folder_is_made_whole(clone: Repository) -> None:
    clone.semflow("pull", "one")
    (clone.root / "data/pages/one/0.txt").unlink()
    clone.semflow("pull", "one")
    assert (clone.root / "data/pages/one/0.txt").read_text() == "3"


def test_recorded_bytes_come_also_where_todays_parameters_want_others(clone: Repository) -> None:
    clone.edit("letter: a", "letter: n")
    clone.semflow("pull", "one", "--artifacts", "counts")
    assert (clone.root / "data/counts/one.txt").read_text() == "3"
    assert read_statuses(clone)["count one"] == "stale"


def test_what_nobody_has_is_named_and_nothing_of_it_is_put_in_place(clone: Repository) -> None:
    clone.semflow("pull", "one", "--artifacts", "counts")
    md5 = clone.recorded()["data/pages"]["one/1.txt"] if clone.recorded()["data/pages"] else ""
    clone.semflow("pull", "two", "--artifacts", "pages")
    md5 = clone.recorded()["data/pages"]["one/1.txt"]
    clone.remote.object_path(md5).unlink()
    found = clone.semflow("pull", "one", "--artifacts", "pages", code=1)
    assert found["missing"] == ["data/pages/one/1.txt"]
    assert not (clone.root / "data/pages/one").exists()
    assert not list(clone.root.rglob(".partial"))


def test_a_remote_that_is_not_there_is_reported(clone: Repository) -> None:
    shutil.rmtree(clone.team)
    words = clone.says("pull", code=2)
    assert "the data set must have a video to pull, got none; dvc.lock records recipes that are not here" in words


def test_a_kind_or_video_that_is_none_is_named(clone: Repository) -> None:
    assert "--artifacts must be among words, counts, echoes, pages, got 'track'" in clone.says(
        "pull", "--artifacts", "track", code=2
    )
    assert "video must be one of" in clone.says("pull", "nobody", code=2)
