"""A git revision as a data set: what it recorded is fetched from its remote, and no more than is asked for."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import semflow
from semflow import SemflowError
from tests.reading.conftest import git


@pytest.fixture(autouse=True)
def no_configuration_of_the_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DVC_SYSTEM_CONFIG_DIR", "DVC_GLOBAL_CONFIG_DIR", "DVC_SITE_CACHE_DIR"):
        monkeypatch.setenv(name, str(tmp_path / name))


def fetched(cache: Path) -> int:
    return sum(path.stat().st_size for path in cache.rglob("*") if path.is_file())


def test_a_revision_of_a_path_is_read_beside_the_working_copy(recorded: Path) -> None:
    assert set(semflow.open(recorded, rev="v1").tracks.to_pandas().score) == {1}
    assert set(semflow.open(recorded).tracks.to_pandas().score) == {0.5}


def test_a_revision_of_an_address_is_read_without_a_working_copy(recorded: Path, tmp_path: Path) -> None:
    ds = semflow.open(f"file://{recorded}", rev="v1", cache=tmp_path / "cache")
    assert ds.videos == ("steady", "uneven")
    assert ds["steady"].tracks.to_pandas(time=(0, 0.3)).score.tolist() == [1, 1, 1]
    assert ds["steady"].features.at(4, 4, 0) is not None
    assert set(semflow.open(f"file://{recorded}", cache=tmp_path / "cache").tracks.to_pandas().score) == {0.5}


def test_a_path_to_a_bare_repository_is_read_like_its_address(recorded: Path, tmp_path: Path) -> None:
    bare = tmp_path / "server.git"
    git(tmp_path, "clone", "-q", "--bare", str(recorded), str(bare))
    ds = semflow.open(bare, rev="v1", cache=tmp_path / "cache")
    assert set(ds.tracks.to_pandas().score) == {1}


def test_only_chosen_videos_and_artifacts_are_fetched(recorded: Path, tmp_path: Path) -> None:
    ds = semflow.open(f"file://{recorded}", rev="v2", cache=tmp_path / "cache")
    objects = tmp_path / "cache/objects/files"
    ds.tracks.to_pandas(videos="uneven")
    needed = (recorded / "data/tracks/uneven.parquet").stat().st_size
    listings = [path.stat().st_size for path in objects.rglob("*.dir")]
    assert fetched(objects) == needed + sum(listings)
    assert len(listings) == 1


def test_what_a_working_copy_lacks_is_fetched(recorded: Path) -> None:
    (recorded / "data/tracks/steady.parquet").unlink()
    ds = semflow.open(recorded)
    ds.source.list_videos(ds.tracks.kind)
    (recorded / "data/tracks").rename(recorded / "data/other")
    assert len(semflow.open(recorded).tracks.to_pandas()) == 70


def test_an_unknown_revision_names_the_tags(recorded: Path) -> None:
    with pytest.raises(SemflowError, match=r"rev must be a branch, tag or commit of .*, got 'v9'; its last tags are v"):
        semflow.open(recorded, rev="v9")


def test_an_address_that_is_no_repository_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SemflowError, match="must be a git repository that you can read, got"):
        semflow.open(f"file://{tmp_path}/nothing.git", cache=tmp_path / "cache")


def test_objects_that_nobody_pushed_are_an_error(recorded: Path, tmp_path: Path) -> None:
    for path in (tmp_path / "team/files/md5").rglob("*"):
        if path.is_file() and path.suffix != ".dir":
            path.unlink()
    ds = semflow.open(f"file://{recorded}", cache=tmp_path / "cache")
    with pytest.raises(SemflowError, match=r"tracks of .* must be in DVC's cache or remote, got none .*`dvc push`"):
        ds.tracks.to_pandas()


def test_a_revision_before_the_first_run_is_an_error(recorded: Path) -> None:
    git(recorded, "rm", "-q", "--cached", "dvc.lock")
    git(recorded, "commit", "-qm", "without a record")
    with pytest.raises(SemflowError, match=r"must hold a dvc.lock at HEAD, got none"):
        semflow.open(recorded, rev="HEAD")


@pytest.fixture
def shared(recorded: Path, tmp_path: Path) -> Path:
    """A repository whose folder `films/dance` is the project, with a history of its own before it."""
    root = tmp_path / "shared"
    (root / "films").mkdir(parents=True)
    (root / "README.md").write_text("everything of the group\n")
    git(root, "init", "-q", "-b", "main")
    for tag in ("v1", "v2"):
        git(root, "rm", "-rq", "--ignore-unmatch", "films")
        (root / "films").mkdir(exist_ok=True)
        git(
            tmp_path,
            "clone",
            "-q",
            "--branch",
            "v1" if tag == "v1" else "main",
            str(recorded),
            str(root / "films/dance"),
        )
        shutil.rmtree(root / "films/dance/.git")
        git(root, "add", "-A")
        git(root, "commit", "-qm", tag)
        git(root, "tag", tag)
        if tag == "v1":
            shutil.rmtree(root / "films")
    return root


def test_a_project_in_a_subfolder_is_read_by_path_address_and_revision(shared: Path, tmp_path: Path) -> None:
    def scores(where: str | Path, rev: str | None) -> set[float]:
        found = semflow.open(where, rev=rev, subfolder="films/dance", cache=tmp_path / "cache")
        assert found.videos == ("steady", "uneven")
        return set(found.tracks.to_pandas().score)

    assert scores(shared, None) == scores(shared, "v2") == {0.5}
    assert scores(shared, "v1") == scores(f"file://{shared}", "v1") == {1}
    assert scores(f"file://{shared}", None) == {0.5}
    bare = tmp_path / "server.git"
    git(tmp_path, "clone", "-q", "--bare", str(shared), str(bare))
    assert scores(bare, "v1") == {1}
    assert set(semflow.open(shared / "films/dance", rev="v1").tracks.to_pandas().score) == {1}


def test_the_history_of_a_subfolder_is_that_of_its_files(shared: Path, tmp_path: Path) -> None:
    repository = semflow.open(f"file://{shared}", subfolder="films/dance", cache=tmp_path / "cache").source.repository
    assert repository is not None
    assert [commit.subject for commit in repository.list_commits("dvc.lock")] == ["v2", "v1"]
    assert repository.list_commits("README.md") == []


@pytest.mark.parametrize(
    ("subfolder", "said"),
    [
        ("films", r"subfolder must hold a semflow project .*, got 'films'"),
        ("../shared", r"subfolder must be a path below the repository, like films/dance, got '\.\./shared'"),
        ("/films", "subfolder must be a path below the repository"),
    ],
)
def test_a_subfolder_without_a_project_is_an_error(shared: Path, subfolder: str, said: str) -> None:
    with pytest.raises(SemflowError, match=said):
        semflow.open(shared, subfolder=subfolder)


def test_an_address_without_a_project_at_its_top_asks_for_the_subfolder(shared: Path, tmp_path: Path) -> None:
    with pytest.raises(SemflowError, match="or name the project's subfolder"):
        semflow.open(f"file://{shared}", cache=tmp_path / "cache")
    with pytest.raises(SemflowError, match=r"\(subfolder films\) must hold a dvc.lock at HEAD"):
        semflow.open(f"file://{shared}", subfolder="films", cache=tmp_path / "cache")
