"""Recorded versions in the git history, and the check of a folder's git repository."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from flows.engine.dvc_store.dvc_lock import DirHash, StageRecord, update_lock
from flows.engine.dvc_store.git_commands import check_git
from flows.engine.dvc_store.history import find_listings, find_recorded_listings, read_tip_texts
from tests.engine.dvc_store.conftest import git


@pytest.fixture
def root(quiet_dvc: None, tmp_path: Path) -> Path:
    (tmp_path / "team/project").mkdir(parents=True)
    git(tmp_path / "team", "init", "-q", "-b", "main")
    return tmp_path / "team/project"


def listed(letter: str) -> str:
    return letter * 32 + ".dir"


def commit(root: Path, letter: str) -> str:
    """Record `letter` as the value of two outs; as a dependency, a value that must not be found."""
    held, wrong = DirHash(listed(letter), 1, 1), DirHash(listed("f"), 1, 1)
    deps = {"data/words": wrong, "data/two words": wrong}
    outs = {"data/words": held, "data/two words": held, "data/other": wrong}
    update_lock(
        root, [StageRecord("reader", "x", deps, {}, {"data/a": wrong}), StageRecord("writer", "x", {}, {}, outs)]
    )
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", letter)
    return git(root, "rev-parse", "HEAD").strip()


def test_values_come_newest_first_each_once(root: Path) -> None:
    commits = {letter: commit(root, letter) for letter in "abc"}
    commits["a"] = commit(root, "a")
    found = [(commits[letter], listed(letter)) for letter in "acb"]
    assert find_recorded_listings(root, "data/words", 10) == found
    assert find_recorded_listings(root, "data/words", 2) == found[:2]
    assert find_recorded_listings(root, "data/words", 0) == []
    assert find_recorded_listings(root, "data/nowhere", 10) == []
    assert find_listings(root, ["data/two words", "data/words"], 10) == {"data/two words": found, "data/words": found}


def test_other_branches_tags_and_what_a_merge_dropped_are_found(root: Path) -> None:
    commit(root, "a")
    git(root, "checkout", "-q", "-b", "theirs")
    commit(root, "b")
    git(root, "checkout", "-q", "main")
    commit(root, "c")
    git(root, "merge", "-q", "-X", "ours", "-m", "merge", "theirs")
    git(root, "branch", "-q", "-D", "theirs")
    git(root, "checkout", "-q", "-b", "aside")
    commit(root, "d")
    git(root, "tag", "kept")
    git(root, "checkout", "-q", "main")
    git(root, "branch", "-q", "-D", "aside")
    assert {md5 for _, md5 in find_recorded_listings(root, "data/words", 10)} == {listed(letter) for letter in "abcd"}


def test_a_commit_that_removed_the_lock_is_skipped(root: Path) -> None:
    first = commit(root, "a")
    git(root, "rm", "-q", "dvc.lock")
    git(root, "commit", "-q", "-m", "gone")
    assert find_recorded_listings(root, "data/words", 10) == [(first, listed("a"))]


def test_without_git_there_is_no_history(tmp_path: Path, root: Path) -> None:
    assert find_recorded_listings(tmp_path, "data/words", 10) == []
    assert find_recorded_listings(root, "data/words", 10) == []


def test_without_the_git_program_there_is_no_history(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commit(root, "a")
    monkeypatch.setenv("PATH", "/nowhere")
    assert find_recorded_listings(root, "data/words", 10) == []
    assert check_git(root).message == "git must be on the PATH, got none; install it"


def test_a_damaged_object_store_ends_the_history_without_a_traceback(root: Path) -> None:
    commit(root, "a")
    shutil.rmtree(root.parent / ".git/objects")
    (root.parent / ".git/objects").mkdir()
    assert find_recorded_listings(root, "data/words", 10) == []


def test_a_sound_repository_is_fine_with_and_without_commits(root: Path) -> None:
    assert check_git(root).is_ok
    commit(root, "a")
    assert check_git(root).is_ok


def test_no_repository_is_reported_with_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state = check_git(tmp_path)
    assert not state.is_ok
    assert "run `git init`" in state.message
    (tmp_path / ".dvc").mkdir()
    (tmp_path / ".dvc/config").write_text("[core]\nno_scm = true\n")
    assert check_git(tmp_path).is_ok


@pytest.mark.parametrize("damage", ["HEAD", "objects", "config", "index"])
def test_a_damaged_repository_is_reported_with_what_to_do(root: Path, damage: str) -> None:
    commit(root, "a")
    place = root.parent / ".git" / damage
    if place.is_dir():
        shutil.rmtree(place)
        place.mkdir()
    else:
        place.write_text("garbage [\n")
    state = check_git(root)
    assert not state.is_ok
    assert state.message.startswith(f"the git repository of {root} must be sound, got ")
    assert "\n" not in state.message


def test_files_at_every_tip_are_read_and_those_of_older_commits_are_not(quiet_dvc: None, tmp_path: Path) -> None:
    root = tmp_path
    git(root, "init", "-q", "-b", "main")
    (root / "below").mkdir()

    def commit(text: str) -> None:
        (root / "dvc.lock").write_text(text)
        (root / "below/x y.dvc").write_text(text)
        (root / "other.txt").write_text(text)
        git(root, "add", "-A")
        git(root, "commit", "-qm", text)

    commit("old")
    commit("tagged")
    git(root, "tag", "-a", "-m", "t", "v1")
    git(root, "checkout", "-qb", "side")
    commit("side")
    git(root, "checkout", "-q", "main")
    commit("main")
    git(root, "checkout", "-q", "--detach")
    commit("detached")
    found = {(path, text.decode()) for _, path, text in read_tip_texts(root / "below", ("dvc.lock", ".dvc"))}
    assert found == {
        (path, text) for path in ("dvc.lock", "below/x y.dvc") for text in ("tagged", "side", "main", "detached")
    }


def test_without_git_no_tip_has_files(tmp_path: Path) -> None:
    assert list(read_tip_texts(tmp_path, (".dvc",))) == []
