"""The DVC remote: a folder by default; a local S3 server in the slow tests."""

from __future__ import annotations

import hashlib
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from flows.engine.dvc_store.background_work import ActivityClock, BackgroundWork, WorkStalled
from flows.engine.dvc_store.object_store import ObjectStore
from flows.engine.dvc_store.remote import Remote
from tasks.errors import SemflowError
from tests.engine.dvc_store.conftest import dvc, git
from tests.factories.s3_server import serve_bucket

CORE = "[core]\n    remote = team\n    analytics = false\n['remote \"team\"']\n"


def md5(text: bytes) -> str:
    return hashlib.md5(text, usedforsecurity=False).hexdigest()


TEXTS = {md5(text): text for text in (b"one", b"two", b"", b"x" * 3_000_000)}
NOWHERE = "0" * 32


@pytest.fixture
def root(quiet_dvc: None, tmp_path: Path) -> Path:
    """A repository without git, whose remote is a folder that holds TEXTS and their listing."""
    (tmp_path / "project/.dvc").mkdir(parents=True)
    (tmp_path / "project/.dvc/config").write_text(CORE + f"    url = {tmp_path / 'team'}\n")
    far = ObjectStore(tmp_path / "team/files/md5")
    for name, text in TEXTS.items():
        (tmp_path / "file").write_bytes(text)
        far.add_file(tmp_path / "file", name)
    far.write_listing({name: name for name in TEXTS})
    return tmp_path / "project"


def opened(root: Path, patience_s: float = 30) -> Remote:
    remote = Remote.open(root, patience_s)
    assert remote is not None
    return remote


def test_without_a_default_remote_there_is_none_and_dvc_is_not_imported(tmp_path: Path) -> None:
    (tmp_path / ".dvc").mkdir()
    code = f"""
import sys
from pathlib import Path
from flows.engine.dvc_store import dvc_lock, dvc_pointer, dvc_state, history, object_store, remote
assert remote.Remote.open(Path({str(tmp_path)!r})) is None
assert object_store.ObjectStore.open(Path({str(tmp_path)!r})) is not None
assert not [name for name in sys.modules if name.split(".")[0] in ("dvc", "dvc_data", "dvc_objects", "fsspec")]
"""
    subprocess.run([sys.executable, "-c", code], check=True)
    assert Remote.open(tmp_path / "nowhere") is None


def test_existing_objects_of_the_remote_are_found(root: Path) -> None:
    assert opened(root).find_existing([*TEXTS, NOWHERE]) == set(TEXTS)
    assert opened(root).find_existing([]) == set()


def test_objects_and_listings_are_fetched_verified_and_read_only(root: Path) -> None:
    remote = opened(root)
    listing = remote.store.write_listing({name: name for name in TEXTS})
    remote.store.object_path(listing).unlink()
    assert remote.fetch_objects([*TEXTS, listing, NOWHERE]) == {*TEXTS, listing}
    assert {name: remote.store.object_path(name).read_bytes() for name in TEXTS} == TEXTS
    assert {remote.store.object_path(name).stat().st_mode & 0o777 for name in (*TEXTS, listing)} == {0o444}
    assert remote.store.read_listing(listing) == {name: name for name in TEXTS}
    assert list(remote.store.folder.rglob(".*")) == []


def test_local_objects_are_not_requested(root: Path, tmp_path: Path) -> None:
    remote = opened(root)
    remote.fetch_objects(TEXTS)
    (tmp_path / "team").rename(tmp_path / "away")
    assert remote.fetch_objects(TEXTS) == set(TEXTS)


def test_a_damaged_object_is_left_out(root: Path, tmp_path: Path) -> None:
    name = md5(b"one")
    damaged = tmp_path / "team/files/md5" / name[:2] / name[2:]
    damaged.chmod(0o644)
    damaged.write_bytes(b"two")
    remote = opened(root)
    assert remote.fetch_objects(TEXTS) == set(TEXTS) - {name}
    assert not remote.store.has_object(name)


def test_a_folder_that_is_not_mounted_is_an_error_and_no_empty_remote(root: Path, tmp_path: Path) -> None:
    (tmp_path / "team").rename(tmp_path / "away")
    for ask in (opened(root).find_existing, opened(root).fetch_objects, opened(root).delete_objects):
        with pytest.raises(SemflowError, match=r"the remote 'team' \(.*/team\) must be an existing folder"):
            ask([NOWHERE])


def test_only_the_given_objects_are_deleted(root: Path) -> None:
    remote = opened(root)
    gone = {md5(b"one"), md5(b"two")}
    assert remote.delete_objects([*gone, NOWHERE]) == gone
    assert remote.find_existing(TEXTS) == set(TEXTS) - gone
    assert remote.delete_objects(gone) == set()


def test_a_default_remote_that_is_not_defined_is_reported(root: Path) -> None:
    (root / ".dvc/config").write_text("[core]\n    remote = nobody\n")
    with pytest.raises(SemflowError, match="the remote 'nobody'"):
        Remote.open(root)


def test_a_driver_that_is_not_installed_is_reported(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "dvc_gs", None)  # its import fails, installed or not
    (root / ".dvc/config").write_text(CORE + "    url = gs://bucket/path\n")
    with pytest.raises(SemflowError, match=r"the remote 'team' \(gs://bucket/path\) must answer, got .*dvc") as raised:
        Remote.open(root)
    assert "\n" not in str(raised.value)


def test_a_server_that_is_not_there_is_reported_in_one_line(root: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (root / ".dvc/config").write_text(CORE + f"    url = http://127.0.0.1:{port}/x\n")
    with pytest.raises(
        SemflowError, match=rf"the remote 'team' \(http://127\.0\.0\.1:{port}/x\) must answer"
    ) as raised:
        opened(root, patience_s=2).fetch_objects([NOWHERE])
    assert "\n" not in str(raised.value)


def test_a_server_that_never_answers_is_abandoned(root: Path) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        (root / ".dvc/config").write_text(CORE + f"    url = http://127.0.0.1:{silent.getsockname()[1]}/x\n")
        with pytest.raises(SemflowError, match="no answer for 0 s"):
            opened(root, patience_s=0.3).fetch_objects([NOWHERE])


def test_work_with_progress_is_not_abandoned() -> None:
    progress = ActivityClock()

    def slow(value: int) -> int:
        for _ in range(10):
            time.sleep(0.02)
            progress()
        return value

    assert sorted(BackgroundWork(slow, range(4), 2, progress).finish(patience_s=0.15)) == [0, 1, 2, 3]


def test_the_first_failure_ends_the_work() -> None:
    def fail(value: int) -> int:
        raise ValueError(value)

    with pytest.raises(ValueError, match="0"):
        BackgroundWork(fail, range(100), 1, ActivityClock()).finish(patience_s=10)


def test_stalled_work_is_abandoned() -> None:
    with pytest.raises(WorkStalled):
        BackgroundWork(lambda _: time.sleep(1), [1], 1, ActivityClock()).finish(patience_s=0)


@pytest.mark.slow
def test_dvc_pushes_again_what_was_deleted(root: Path, tmp_path: Path) -> None:
    git(root, "init", "-q")
    (root / "data/raw").mkdir(parents=True)
    (root / "data/raw/a").write_text("a")
    dvc(root, "add", "-q", "data/raw")
    dvc(root, "push", "-q")
    remote = opened(root)
    listing = remote.store.write_listing({"a": md5(b"a")})
    assert remote.delete_objects([md5(b"a"), listing]) == {md5(b"a"), listing}
    dvc(root, "push", "-q")
    assert remote.find_existing([md5(b"a"), listing]) == {md5(b"a"), listing}


@pytest.fixture
def bucket(quiet_dvc: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of an S3 server on this machine with a bucket `team`."""
    with serve_bucket(monkeypatch) as (host, port):
        yield f"http://{host}:{port}"


@pytest.mark.slow
def test_an_s3_remote_fetches_and_deletes_objects_and_its_failure_is_reported(
    root: Path, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def address(name: str, folder: str = "project") -> Remote:
        place = f"    url = s3://{name}/{folder}\n    endpointurl = {bucket}\n    region = us-east-1\n"
        (root / ".dvc/config").write_text(CORE + place)
        return opened(root)

    git(root, "init", "-q")
    address("team")
    (root / "data/raw").mkdir(parents=True)
    for number, text in enumerate(TEXTS.values()):
        (root / f"data/raw/{number}").write_bytes(text)
    dvc(root, "add", "-q", "data/raw")
    dvc(root, "push", "-q")
    remote = opened(root)
    held = {path.parent.name + path.name for path in remote.store.folder.rglob("*") if path.is_file()}
    assert remote.find_existing([*held, NOWHERE]) == held
    for name in held:
        remote.store.object_path(name).unlink()
    assert remote.fetch_objects([*held, NOWHERE]) == held
    assert {name: remote.store.object_path(name).read_bytes() for name in TEXTS} == TEXTS
    assert remote.delete_objects([md5(b"one")]) == {md5(b"one")}
    assert remote.find_existing(held) == held - {md5(b"one")}
    for ask in (address("nobody").fetch_objects, address("nobody").find_existing):
        with pytest.raises(SemflowError, match=r"the remote 'team' \(s3://nobody/project\) must answer, got .*bucket"):
            ask([NOWHERE])
    assert address("team", "elsewhere").fetch_objects([NOWHERE]) == set()
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        bucket = f"http://127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(SemflowError, match="Could not connect") as raised:
        address("team").fetch_objects([NOWHERE])
    assert "\n" not in str(raised.value)
