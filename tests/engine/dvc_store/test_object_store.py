"""The object store with damaged objects, a full disk and concurrent writers."""

from __future__ import annotations

import errno
import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from flows.engine.dvc_store import verified_copy
from flows.engine.dvc_store.object_store import ObjectStore, hash_listing, parse_listing
from tasks.errors import SemflowError


def md5(text: bytes) -> str:
    return hashlib.md5(text, usedforsecurity=False).hexdigest()


HELLO = md5(b"hello")


@pytest.fixture
def store(tmp_path: Path) -> ObjectStore:
    return ObjectStore(tmp_path / "cache/files/md5")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "hello.txt"
    path.write_bytes(b"hello")
    return path


def litter(store: ObjectStore) -> list[str]:
    return [path.name for path in store.folder.rglob(".*")]


def test_an_added_file_is_restored(store: ObjectStore, file: Path, tmp_path: Path) -> None:
    assert not store.has_object(HELLO)
    store.add_file(file, HELLO)
    assert store.has_object(HELLO)
    target = tmp_path / "deep/er/back.txt"
    assert store.restore_file(HELLO, target)
    assert target.read_bytes() == b"hello"
    assert litter(store) == []


def test_neither_the_file_nor_what_is_restored_shares_its_inode_with_the_object(
    store: ObjectStore, file: Path, tmp_path: Path
) -> None:
    store.add_file(file, HELLO)
    store.restore_file(HELLO, tmp_path / "back.txt")
    file.write_bytes(b"other")
    (tmp_path / "back.txt").write_bytes(b"forged")
    assert store.object_path(HELLO).read_bytes() == b"hello"
    assert store.object_path(HELLO).stat().st_mode & 0o777 == 0o444
    assert os.access(tmp_path / "back.txt", os.W_OK)


def test_a_file_that_changed_since_it_was_hashed_is_refused(store: ObjectStore, file: Path) -> None:
    file.write_bytes(b"jello")
    with pytest.raises(SemflowError, match=r"hello\.txt must have the MD5"):
        store.add_file(file, HELLO)
    assert not store.has_object(HELLO)
    assert litter(store) == []


@pytest.mark.parametrize("left", [b"", b"hel"])
def test_an_object_that_a_crash_left_short_is_written_again(store: ObjectStore, file: Path, left: bytes) -> None:
    store.object_path(HELLO).parent.mkdir(parents=True)
    store.object_path(HELLO).write_bytes(left)
    store.add_file(file, HELLO)
    assert store.object_path(HELLO).read_bytes() == b"hello"


def test_a_damaged_object_is_not_restored_and_does_not_stay(store: ObjectStore, file: Path, tmp_path: Path) -> None:
    store.add_file(file, HELLO)
    store.object_path(HELLO).chmod(0o644)
    store.object_path(HELLO).write_bytes(b"jello")
    target = tmp_path / "back.txt"
    target.write_bytes(b"before")
    assert not store.restore_file(HELLO, target)
    assert target.read_bytes() == b"before"
    assert not store.has_object(HELLO)


def test_an_object_that_is_not_here_is_not_restored(store: ObjectStore, tmp_path: Path) -> None:
    assert not store.restore_file(HELLO, tmp_path / "back.txt")
    assert not (tmp_path / "back.txt").exists()


def test_a_full_disk_is_an_oserror_without_temporary_files(
    store: ObjectStore, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(source: Path, target: Path) -> str:
        target.write_bytes(b"he")
        raise OSError(errno.ENOSPC, "No space left on device", str(target))

    store.add_file(file, HELLO)
    other = tmp_path / "other.txt"
    other.write_bytes(b"other")
    monkeypatch.setattr(verified_copy, "_copy", full)
    with pytest.raises(OSError, match="No space left"):
        store.add_file(other, md5(b"other"))
    with pytest.raises(OSError, match="No space left"):
        store.restore_file(HELLO, tmp_path / "deep/back.txt")
    assert litter(store) == []
    assert list((tmp_path / "deep").iterdir()) == []


def test_many_threads_may_add_the_same_object(store: ObjectStore, file: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: store.add_file(file, HELLO), range(64)))
    assert store.object_path(HELLO).read_bytes() == b"hello"
    assert litter(store) == []


def test_a_name_of_the_greatest_length_can_be_restored(store: ObjectStore, file: Path, tmp_path: Path) -> None:
    store.add_file(file, HELLO)
    assert store.restore_file(HELLO, tmp_path / ("x" * 255))


def test_a_large_file_is_copied_whole(store: ObjectStore, tmp_path: Path) -> None:
    text = os.urandom(3 * verified_copy.BLOCK + 17)
    (tmp_path / "large").write_bytes(text)
    store.add_file(tmp_path / "large", md5(text))
    assert store.restore_file(md5(text), tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == text


def test_a_listing_with_any_names_is_read_back(store: ObjectStore) -> None:
    entries = {"b/a.txt": HELLO, "a.txt": HELLO, "blank name.txt": HELLO, "日本/é.txt": HELLO}
    name = store.write_listing(entries)
    assert name == hash_listing(entries) == store.write_listing(dict(reversed(entries.items())))
    assert store.read_listing(name) == entries
    assert store.read_listing(store.write_listing({})) == {}


def test_a_listing_that_is_damaged_or_not_here_is_none(store: ObjectStore) -> None:
    name = store.write_listing({"a": HELLO})
    assert store.read_listing("0" * 32 + ".dir") is None
    store.object_path(name).chmod(0o644)
    store.object_path(name).write_text("[]")
    assert store.read_listing(name) is None
    assert not store.has_object(name)


@pytest.mark.parametrize("path", ["../x", "/etc/x", "a/../../x", "", "."])
def test_a_listing_that_leads_outside_its_folder_is_none(store: ObjectStore, path: str) -> None:
    assert store.read_listing(store.write_listing({path: HELLO})) is None


@pytest.mark.parametrize("text", [b"", b"{}x", b"1", b'[{"md5": "x", "relpath": "a"}]', b'[{"relpath": "a"}]', b"\xff"])
def test_a_text_that_is_no_listing_is_none(text: bytes) -> None:
    assert parse_listing(text) is None


@pytest.mark.parametrize("name", ["", "../../x", "0" * 31, "0" * 32 + ".dirx", "G" * 32])
def test_a_name_that_is_no_hash_is_refused(store: ObjectStore, name: str) -> None:
    with pytest.raises(ValueError, match="must be an MD5"):
        store.object_path(name)


def test_folders_of_a_shared_cache_belong_to_the_group(file: Path, tmp_path: Path) -> None:
    store = ObjectStore(tmp_path / "shared/files/md5", shared=True)
    store.add_file(file, HELLO)
    assert {p.stat().st_mode & 0o7777 for p in (store.folder, *store.folder.iterdir())} == {0o2775}


def test_what_a_killed_process_left_is_removed_once_it_is_old(store: ObjectStore, file: Path) -> None:
    store.add_file(file, HELLO)
    left = verified_copy.make_temporary_path(store.object_path(HELLO))
    left.write_bytes(b"he")
    assert store.remove_temporary_files() == 0
    os.utime(left, (0, 0))
    assert store.remove_temporary_files() == 1
    assert [path.name for path in left.parent.iterdir()] == [HELLO[2:]]
