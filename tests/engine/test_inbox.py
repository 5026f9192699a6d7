"""Films that are put into a bucket's prefix come into data/raw once, and again when they are replaced."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Any

import boto3  # pyright: ignore[reportMissingTypeStubs]
import pytest

from flows.engine.inbox import fetch_inbox
from tasks.errors import SemflowError
from tests.factories.s3_server import serve_bucket

INBOX = "s3://team/incoming"


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Generator[Any]:
    import s3fs  # pyright: ignore[reportMissingTypeStubs]

    with serve_bucket(monkeypatch) as (host, port):
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        s3fs.S3FileSystem.clear_instance_cache()
        service: Any = boto3.resource("s3", endpoint_url=f"http://{host}:{port}")
        yield service.Bucket("team")
        s3fs.S3FileSystem.clear_instance_cache()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "data/raw").mkdir(parents=True)
    return tmp_path


def put(bucket: Any, **films: str) -> None:
    for name, text in films.items():
        bucket.put_object(Key=f"incoming/{name.replace('__', '/')}.mp4", Body=text.encode())


def test_new_films_are_fetched_once(bucket: Any, root: Path) -> None:
    put(bucket, one="first", day2__two="second")
    bucket.put_object(Key="incoming/notes.txt", Body=b"no film")
    bucket.put_object(Key="elsewhere/three.mp4", Body=b"not in the inbox")
    assert fetch_inbox(root, INBOX).fetched == ("day2/two.mp4", "one.mp4")
    assert (root / "data/raw/day2/two.mp4").read_text() == "second"
    assert fetch_inbox(root, INBOX).fetched == ()
    files = sorted(path.relative_to(root / "data/raw").as_posix() for path in (root / "data/raw").rglob("*"))
    assert files == ["day2", "day2/two.mp4", "one.mp4"]


def test_a_film_that_was_replaced_comes_again_and_one_that_was_removed_here_does_not(bucket: Any, root: Path) -> None:
    put(bucket, one="first", two="second")
    fetch_inbox(root, INBOX)
    (root / "data/raw/two.mp4").unlink()
    put(bucket, one="other")
    assert fetch_inbox(root, INBOX).fetched == ("one.mp4",)
    assert (root / "data/raw/one.mp4").read_text() == "other"
    assert not (root / "data/raw/two.mp4").exists()


def test_a_film_of_the_data_set_is_never_overwritten(bucket: Any, root: Path) -> None:
    (root / "data/raw/one.mp4").write_text("ours")
    put(bucket, one="theirs", two="second")
    intake = fetch_inbox(root, INBOX)
    assert intake.fetched == ("two.mp4",)
    assert len(intake.refused) == 1 and "data/raw has another one.mp4" in intake.refused[0]
    assert (root / "data/raw/one.mp4").read_text() == "ours"


@pytest.mark.parametrize("key", ["incoming/../../outside.mp4", "incoming//x/../y.mp4", "incoming/.hidden/x.mp4"])
def test_names_that_lead_elsewhere_are_left(bucket: Any, root: Path, key: str) -> None:
    bucket.put_object(Key=key, Body=b"text")
    intake = fetch_inbox(root, INBOX)
    assert intake.fetched == () and len(intake.refused) == 1
    assert list(root.rglob("*.mp4")) == []


def test_a_download_that_breaks_off_leaves_nothing_and_comes_later(
    bucket: Any, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import s3fs  # pyright: ignore[reportMissingTypeStubs]

    put(bucket, one="first")

    def break_off(self: Any, path: str, to: str) -> None:
        Path(to).write_text("fi")
        raise ConnectionResetError("cut")

    with monkeypatch.context() as broken:
        broken.setattr(s3fs.S3FileSystem, "get_file", break_off)
        with pytest.raises(SemflowError, match=r"s3://team/incoming must be readable, got ConnectionResetError: cut"):
            fetch_inbox(root, INBOX)
    assert list((root / "data/raw").iterdir()) == []
    assert fetch_inbox(root, INBOX).fetched == ("one.mp4",)


def test_a_film_that_does_not_fit_is_named(bucket: Any, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(bucket, one="first")
    monkeypatch.setattr("flows.engine.inbox.RESERVE_BYTES", 1 << 60)
    with pytest.raises(SemflowError, match=r"must have room for team/incoming/one\.mp4"):
        fetch_inbox(root, INBOX)


@pytest.mark.parametrize("address", ["/mnt/films", "file:///mnt/films", "nosuch://x"])
def test_other_addresses_are_refused(root: Path, address: str) -> None:
    with pytest.raises(SemflowError, match="an inbox must be an address"):
        fetch_inbox(root, address)
