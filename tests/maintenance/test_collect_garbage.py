"""What nothing needs goes when it is asked for, and not a byte more."""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from flows.engine.dvc_store.object_store import ObjectStore
from tests.engine import toys
from tests.engine.dvc_store.conftest import dvc, git
from tests.maintenance.conftest import Repository

NOW = ("--keep-days", "0")


def md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def objects(store: ObjectStore) -> set[str]:
    return {path.parent.name + path.name for path in store.folder.glob("??/*")}


@pytest.fixture
def used(repository: Repository) -> Repository:
    """`times: 2` on main and committed, `times: 5` on a branch, `times: 7` made and never committed."""
    root = repository.root
    repository.run()
    repository.commit("first")
    git(root, "checkout", "-qb", "side")
    repository.edit("times: 2", "times: 5")
    repository.run()
    repository.commit("side")
    git(root, "checkout", "-q", "main")
    repository.edit("times: 2", "times: 7")
    repository.run()
    repository.edit("times: 7", "times: 2")
    repository.run()
    return repository


def test_without_yes_it_only_says_what_would_go(used: Repository) -> None:
    before = objects(used.cache)
    found = used.semflow("gc", *NOW)
    assert not found["dropped"]
    rows = {row["folder"]: row for row in found["cache"]}
    assert rows["data/echoes"]["objects"] == 2
    assert rows["data/echoes"]["bytes"] == 7 * len("banana") + 7 * len("cat")
    assert rows["data/echoes"]["stage"] == "repeat"
    assert objects(used.cache) == before
    words = used.says("gc", *NOW)
    assert "would delete" in words
    assert "data/echoes (repeat): 2 objects, 63 B" in words
    assert "nothing was changed" in words


def test_what_no_branch_tag_or_working_copy_names_goes(used: Repository) -> None:
    before = objects(used.cache)
    found = used.semflow("gc", "--yes", *NOW)
    gone = before - objects(used.cache)
    assert {md5("banana" * 7), md5("cat" * 7)} <= gone
    assert len(gone) == sum(row["objects"] for row in found["cache"])
    assert not [name for name in gone if name.endswith(".dir")], "listings stay"
    for times in (2, 5):
        assert used.cache.has_object(md5("banana" * times))
    assert found["ledger"] > 0
    assert used.semflow("gc", "--yes", *NOW)["cache"] == []
    for commit in ("side", "main"):
        git(used.root, "checkout", "-qf", commit)
        assert used.run().is_good
        assert toys.CALLS == []
    assert used.run().is_good
    used.edit("times: 2", "times: 7")
    assert used.run().is_good
    assert "repeat" in toys.CALLS, "it is gone, and made again"


def test_what_was_made_in_the_last_days_stays(used: Repository) -> None:
    found = used.semflow("gc", "--yes")
    assert found["cache"] == []
    assert used.cache.has_object(md5("banana" * 7))
    long_ago = time.time() - 40 * 86400
    for path in used.cache.folder.glob("??/*"):
        os.utime(path, (long_ago, long_ago))
    assert used.semflow("gc", "--yes")["cache"] == [], "a run of the last days had it"
    project = used.open()
    project.state.connection.execute("update ledger set at = ?", (long_ago,))
    project.state.connection.commit()
    project.close()
    assert used.semflow("gc", "--yes", "--keep-days", "50")["cache"] == []
    assert used.semflow("gc", "--yes")["cache"] != []
    assert not used.cache.has_object(md5("banana" * 7))


def test_a_tag_a_stash_and_a_detached_head_keep_what_they_name(used: Repository) -> None:
    git(used.root, "tag", "-a", "-m", "kept", "v1", "side")
    git(used.root, "branch", "-qD", "side")
    used.semflow("gc", "--yes", *NOW)
    assert used.cache.has_object(md5("banana" * 5))
    git(used.root, "tag", "-d", "v1")
    used.semflow("gc", "--yes", *NOW)
    assert not used.cache.has_object(md5("banana" * 5))
    used.edit("times: 2", "times: 9")
    used.run()
    git(used.root, "stash", "-q")
    used.run()
    used.semflow("gc", "--yes", *NOW)
    assert used.cache.has_object(md5("banana" * 9))
    git(used.root, "stash", "drop", "-q")
    used.semflow("gc", "--yes", *NOW)
    assert not used.cache.has_object(md5("banana" * 9))


def test_older_commits_of_a_branch_are_kept_where_that_is_asked_for(used: Repository) -> None:
    used.edit("times: 2", "times: 3")
    used.run()
    used.commit("second")
    used.semflow("gc", "--yes", "--all-commits", *NOW)
    assert used.cache.has_object(md5("banana" * 2))
    used.semflow("gc", "--yes", *NOW)
    assert not used.cache.has_object(md5("banana" * 2))


def test_outs_and_objects_of_others_stay(used: Repository) -> None:
    (used.root / "models").mkdir()
    (used.root / "models/a.bin").write_text("weights")
    (used.root / "single.bin").write_text("banana" * 7)
    dvc(used.root, "add", "-q", "models", "single.bin")
    git(used.root, "checkout", "-qb", "models")
    used.commit("models")
    git(used.root, "checkout", "-q", "main")
    assert not (used.root / "models.dvc").exists()
    (used.root / "stray.bin").write_text("nobody knows me")
    used.cache.add_file(used.root / "stray.bin", md5("nobody knows me"))
    found = used.semflow("gc", "--yes", *NOW)
    for text in ("weights", "banana" * 7, "nobody knows me"):
        assert used.cache.has_object(md5(text)), text
    assert not used.cache.has_object(md5("cat" * 7))
    assert found["kept_foreign"] == 1


def test_a_list_that_is_not_to_be_had_stops_it(used: Repository) -> None:
    listing = next(name for name in objects(used.cache) if name.endswith(".dir") and name in _lock(used, "side"))
    shutil.move(used.cache.object_path(listing), used.root / "away")
    before = objects(used.cache)
    assert "dvc fetch --all-branches --all-tags" in used.says("gc", "--yes", *NOW, code=2)
    assert objects(used.cache) == before


def _lock(repository: Repository, commit: str) -> str:
    return git(repository.root, "show", f"{commit}:dvc.lock")


def test_a_missing_list_comes_from_the_remote(used: Repository) -> None:
    dvc(used.root, "push", "-q", "--all-branches")
    used.lose_cache()
    assert used.semflow("gc", "--yes", *NOW)["cache"] == []


def test_the_remote_is_cleared_only_when_it_is_asked_for(used: Repository) -> None:
    shutil.copytree(used.cache.folder, used.remote.folder)
    used.semflow("gc", *NOW, "--remote")
    used.semflow("gc", "--yes", "--keep-days", "50")
    assert used.remote.has_object(md5("banana" * 7))
    found = used.semflow("gc", "--yes", *NOW, "--remote")
    assert {row["folder"] for row in found["remote"]} >= {"data/echoes"}
    assert not used.remote.has_object(md5("banana" * 7))
    assert used.remote.has_object(md5("banana" * 5))


def test_a_shared_cache_asks_for_the_other_clones_and_keeps_what_they_need(
    used: Repository, tmp_path: Path, enter: Callable[[Repository], None]
) -> None:
    shared = tmp_path / "shared"
    shutil.move(used.root / ".dvc/cache", shared)
    dvc(used.root, "config", "cache.dir", str(shared))
    from flows.engine import storage

    storage._open.cache_clear()
    used.commit("shared cache")
    other = tmp_path / "other"
    git(tmp_path, "clone", "-q", str(used.root), str(other))
    shutil.copytree(used.root / "data/raw", other / "data/raw")
    clone = Repository(other, used.team, used.capsys)
    clone.edit("times: 2", "times: 7")
    assert clone.run().is_good
    clone.commit("sevens")
    enter(used)
    assert "--projects" in used.says("gc", "--yes", *NOW, code=2)
    assert "which is not" in used.says("gc", "--yes", *NOW, "--projects", str(tmp_path), code=2)
    used.semflow("gc", "--yes", *NOW, "--projects", str(other))
    assert used.cache.has_object(md5("banana" * 7))
    used.semflow("gc", "--yes", *NOW, "--projects")
    assert not used.cache.has_object(md5("banana" * 7))
    storage._open.cache_clear()


def test_leftovers_go_with_the_days_and_only_with_yes(used: Repository) -> None:
    state = used.root / ".semflow"
    (state / "removed/data/words").mkdir(parents=True)
    (state / "removed/data/words/stray.txt").write_text("swept")
    used.semflow("remove", "two")
    used.run()
    (state / "parts/old").mkdir(parents=True)
    (removal,) = (path.parent for path in state.glob("removed/*/removed.json"))
    assert used.semflow("gc", "--yes")["leftovers"] == [".semflow/parts/old"]
    assert removal.exists()
    listed = used.semflow("gc", *NOW)["leftovers"]
    assert listed == sorted([removal.relative_to(used.root).as_posix(), ".semflow/removed/data/words/stray.txt"])
    assert removal.exists()
    used.semflow("gc", "--yes", *NOW)
    assert not removal.exists()
    assert not (state / "removed/data/words/stray.txt").exists()


def test_a_removed_video_that_no_branch_names_goes(repository: Repository) -> None:
    repository.run()
    repository.semflow("remove", "one")
    repository.run()
    repository.commit("without one")
    repository.semflow("gc", "--yes", *NOW)
    assert not repository.cache.has_object(md5("banana"))
    assert not repository.cache.has_object(md5("bananabanana"))
    assert repository.cache.has_object(md5("catcat"))


def test_bad_days_are_named(used: Repository) -> None:
    assert "--keep-days must be 0 or more, got -1" in used.says("gc", "--keep-days", "-1", code=2)
