"""Two people publish at once: both versions are in what is published last, and a clone of it computes nothing."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine.entry_points import Toy, prefork_server, start_project


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Toy]:
    """A project with a git remote and a DVC remote, published once."""
    folder = tmp_path_factory.mktemp("publish")
    with prefork_server(folder) as served:
        toy = start_project(folder / "made", folder, served)
        (folder / "store").mkdir()
        toy.dvc("remote", "add", "-d", "team", str(folder / "store"))
        toy.git("add", ".")
        toy.git("commit", "-qm", "Remote")
        subprocess.run(["git", "clone", "-q", "--bare", str(toy.root), str(folder / "git")], check=True)
        toy.git("remote", "add", "origin", str(folder / "git"))
        toy.git("push", "-qu", "origin", "main")
        toy.run()
        yield toy


def clone(origin: Toy, home: Path) -> Toy:
    made = origin.clone(home)
    made.git("remote", "set-url", "origin", str(origin.common / "git"))
    made.git("fetch", "-q")
    made.git("branch", "-q", "-u", "origin/main")
    return made


def test_what_two_people_publish_is_merged_video_by_video(origin: Toy, tmp_path: Path) -> None:
    first = origin.semflow("publish", "--tag", "v1")
    assert first["pushed"] and first["is_new"] and first["objects"] > 0
    ann, ben = clone(origin, tmp_path / "ann"), clone(origin, tmp_path / "ben")
    ann.write("data/raw/ann.mp4", "ananas and more")
    ben.write("data/raw/ben.mp4", "banana bread")
    ann.run()
    ben.run()
    assert ann.semflow("publish")["merged"] == 0
    assert ben.semflow("publish")["merged"] == 1
    assert {"ann.mp4", "ben.mp4", "one.mp4"} <= ben.recorded("data/raw.dvc")
    assert {"ann.txt", "ben.txt", "one.txt"} <= ben.recorded("data/words")
    assert "<<<" not in (ben.root / "dvc.lock").read_text()
    # The total over all videos is new to both, so Ben's machine makes that, and what reads it.

    computed = {item for item, result in ben.run().items() if result == "computed"}
    videos = ("one", "two", "day/three", "ann", "ben")
    assert computed == {"collect (dataset)", *(f"tell {video}" for video in videos)}
    ben.semflow("publish", "--tag", "v2")
    reader = clone(origin, tmp_path / "reader")
    reader.git("pull", "-q")
    reader.dvc("pull", "-q")
    reader.calls()
    assert reader.run() == {} and reader.calls() == []
    assert reader.is_clean()


def test_publishing_again_pushes_and_commits_nothing(origin: Toy) -> None:
    origin.semflow("publish")
    again = origin.semflow("publish")
    assert again["objects"] == 0 and not again["is_new"]


def test_a_tag_that_exists_is_refused_before_anything_is_pushed(origin: Toy) -> None:
    origin.git("tag", "taken")
    answer = origin.command("semflow", "publish", "--tag", "taken")
    assert answer.code == 2 and "--tag must be a new name, got 'taken'" in answer.err


def test_a_version_with_a_byte_that_is_nowhere_is_not_published(origin: Toy, tmp_path: Path) -> None:
    broken = clone(origin, tmp_path / "broken")
    broken.write("data/raw/new.mp4", "new")
    broken.run()
    for path in (broken.root / ".dvc/cache").rglob("*"):
        if path.is_file() and path.read_bytes() == b"new":
            path.unlink()
    answer = broken.command("semflow", "publish")
    assert answer.code == 2 and "every recorded file must be here or in the remote" in answer.err
    assert not broken.git("diff", "--stat", "origin/main", "HEAD").strip()


def test_a_git_remote_that_refuses_is_named_with_its_reason(origin: Toy, tmp_path: Path) -> None:
    refused = clone(origin, tmp_path / "refused")
    refused.git("remote", "set-url", "origin", str(origin.root))  # a working copy does not take pushes to its branch
    refused.write("data/raw/late.mp4", "late")
    refused.run()
    answer = refused.command("semflow", "publish")
    assert answer.code == 2 and "got: ! [remote rejected] main -> main (branch is currently checked out)" in answer.err
