"""A git revision as a data set: what it recorded is fetched from its remote, and no more than is asked for."""

from __future__ import annotations

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
