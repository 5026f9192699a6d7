"""What semflow writes equals what DVC writes, so every `dvc` command works on it."""

from __future__ import annotations

import itertools
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from flows.engine.dvc_store.dvc_lock import DirHash, read_lock, update_lock, update_lock_text
from flows.engine.dvc_store.dvc_pointer import read_pointer, write_pointer
from flows.engine.dvc_store.git_ignore import ignore_in_git
from flows.engine.dvc_store.object_store import ObjectStore
from tests.engine.dvc_store.conftest import STAGES, Recorded, dir_hash, dvc, git, listing, records

CLEAN = "Data and pipelines are up to date."


def record(root: Path) -> None:
    """All that DVC's `add` and `commit` do, by semflow."""
    store = ObjectStore.open(root)
    assert store is not None
    for folder in ("data/raw", *(out for _, _, outs in STAGES.values() for out in outs)):
        entries = listing(root, folder)
        for name, md5 in entries.items():
            store.add_file(root / folder / name, md5)
        store.write_listing(entries)
        ignore_in_git(root, folder)
    write_pointer(root, "data/raw", dir_hash(root, "data/raw"))
    update_lock(root, records(root))


def test_a_new_lock_is_the_one_of_dvc(recorded: Recorded) -> None:
    (recorded.root / "data/words/b.txt").write_text("b")
    assert update_lock_text("", records(recorded.root)) == recorded.first


def test_a_changed_lock_is_the_one_of_dvc(recorded: Recorded) -> None:
    assert update_lock_text(recorded.first, records(recorded.root)) == recorded.second


def test_one_stage_is_replaced_and_the_others_stay(recorded: Recorded) -> None:
    before, after = recorded.first, recorded.second
    text = update_lock_text(before, [record for record in records(recorded.root) if record.name == "count"])
    assert _part(text, "count") == _part(after, "count") != _part(before, "count")
    assert _part(text, "read") == _part(before, "read") != _part(after, "read")


def test_what_is_read_gives_the_same_text_again(recorded: Recorded) -> None:
    assert update_lock_text("", list(read_lock(recorded.root).values())) == recorded.second


def test_an_unchanged_lock_is_not_written(recorded: Recorded) -> None:
    before = (recorded.root / "dvc.lock").stat()
    assert not update_lock(recorded.root, records(recorded.root))
    after = (recorded.root / "dvc.lock").stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


def test_objects_and_listings_are_those_of_dvc(recorded: Recorded) -> None:
    theirs = _objects(recorded.root)
    shutil.rmtree(recorded.root / ".dvc/cache")
    (recorded.root / "data/words/b.txt").write_text("b")
    record(recorded.root)
    (recorded.root / "data/words/b.txt").write_text("changed")
    record(recorded.root)
    assert _objects(recorded.root) == theirs


def test_the_pointer_and_its_gitignore_are_those_of_dvc(recorded: Recorded) -> None:
    files = [recorded.root / "data/raw.dvc", recorded.root / "data/.gitignore"]
    theirs = [file.read_bytes() for file in files]
    assert read_pointer(recorded.root, "data/raw") == dir_hash(recorded.root, "data/raw")
    for file in files:
        file.unlink()
    assert write_pointer(recorded.root, "data/raw", dir_hash(recorded.root, "data/raw"))
    assert files[0].read_bytes() == theirs[0]
    assert files[1].read_bytes() == theirs[1].splitlines(keepends=True)[0] == b"/raw\n"
    assert not write_pointer(recorded.root, "data/raw", dir_hash(recorded.root, "data/raw"))


def test_the_gitignore_of_outs_is_the_one_of_dvc(recorded: Recorded, bare: Path) -> None:
    record(bare)
    assert sorted((bare / "data/.gitignore").read_text().splitlines()) == sorted(
        (recorded.root / "data/.gitignore").read_text().splitlines()
    )


def test_dvc_finds_everything_and_runs_nothing(bare: Path) -> None:
    record(bare)
    assert dvc(bare, "status").strip() == CLEAN
    assert CLEAN in (said := dvc(bare, "repro"))
    assert "Running stage" not in said


@pytest.mark.slow
def test_push_pull_checkout_and_gc_work(bare: Path, tmp_path: Path) -> None:
    record(bare)
    words = listing(bare, "data/words")
    dvc(bare, "remote", "add", "-q", "-d", "team", str(tmp_path / "remote"))
    dvc(bare, "push", "-q")
    git(bare, "add", "-A")
    git(bare, "commit", "-q", "-m", "first")
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "-q", str(bare), str(clone))
    dvc(clone, "pull", "-q")
    assert listing(clone, "data/words") == words
    assert listing(clone, "data/raw") == listing(bare, "data/raw")
    assert dvc(clone, "status").strip() == CLEAN

    (bare / "data/words/b.txt").write_text("changed")
    record(bare)
    dvc(bare, "gc", "-q", "-w", "-f")
    store = ObjectStore.open(bare)
    assert store is not None
    assert not any(store.has_object(md5) for md5 in set(words.values()) - set(listing(bare, "data/words").values()))
    shutil.rmtree(bare / "data/words")
    dvc(bare, "checkout", "-q")
    assert (bare / "data/words/b.txt").read_text() == "changed"
    assert dvc(bare, "status").strip() == CLEAN


@pytest.mark.slow
def test_files_that_are_not_here_stay_recorded_and_can_be_pushed_with_a_union(bare: Path, tmp_path: Path) -> None:
    record(bare)
    dvc(bare, "remote", "add", "-q", "-d", "team", str(tmp_path / "remote"))
    dvc(bare, "push", "-q")
    before = listing(bare, "data/words")
    git(bare, "add", "-A")
    git(bare, "commit", "-q", "-m", "first")
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "-q", str(bare), str(clone))
    # The clone holds one new file and none of the others; it records the union.
    (clone / "data/words").mkdir(parents=True)
    (clone / "data/words/new.txt").write_text("new")
    store = ObjectStore.open(clone)
    assert store is not None
    new = listing(clone, "data/words")
    store.add_file(clone / "data/words/new.txt", new["new.txt"])
    listed = store.write_listing(before | new)
    read = read_lock(clone)["read"]
    held = read.outs["data/words"]
    assert isinstance(held, DirHash)
    union = DirHash(listed, held.size + len("new"), held.nfiles + 1)
    update_lock(clone, [replace(read, outs={**read.outs, "data/words": union})])
    dvc(clone, "push", "-q")
    shutil.copyfile(clone / "dvc.lock", bare / "dvc.lock")
    dvc(bare, "pull", "-q", "read")
    assert listing(bare, "data/words") == before | new


def _objects(root: Path) -> dict[str, tuple[bytes, int]]:
    folder = root / ".dvc/cache/files/md5"
    files = (path for path in folder.rglob("*") if path.is_file())
    return {p.relative_to(folder).as_posix(): (p.read_bytes(), p.stat().st_mode & 0o7777) for p in files}


def _part(text: str, stage: str) -> str:
    """The lines of one stage."""
    lines = text.split(f"\n  {stage}:\n")[1].splitlines()
    return "\n".join(itertools.takewhile(lambda line: line.startswith("    "), lines))
