"""A file downloaded piece by piece: resumed where it broke off, told as it comes, refused unless its sha256 fits."""

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
    """What came is not what was asked for."""


@dataclass(frozen=True)
class WeightSource:
    """Somewhere a file can be had."""

    words: str
    """What a person calls it."""
    sha256: str
    """Of the whole file."""
    open: Callable[[int], AbstractContextManager[DownloadStream]]
    """The bytes from an offset on."""
    is_archive: bool = False
    """Whether the file wanted must be taken out of it."""


def download_file(source: WeightSource, part: Path, label: str) -> None:
    """Bring `part`, which may hold a beginning already, to the whole file; OSError with the reason where that fails."""
    resumed = part.exists()
    if not resumed or compute_sha256(part) != source.sha256:
        _download_resuming(source, part, label)
    if (actual := compute_sha256(part)) == source.sha256:
        return
    part.unlink()
    if not resumed:
        raise ChecksumMismatch(f"sha256 must be {source.sha256}, got {actual}: refused")
    download_file(source, part, label)  # the beginning may have been torn: once more without it


def _download_resuming(source: WeightSource, part: Path, label: str) -> None:
    """Take up again after every break, as long as each try brings something."""
    while True:
        had = part.stat().st_size if part.exists() else 0
        try:
            return _append(source, part, had, label)
        except (ConnectionError, TimeoutError):
            if not part.exists() or part.stat().st_size <= had:
                raise


def _append(source: WeightSource, part: Path, offset: int, label: str) -> None:
    """Write what `source` has from `offset` on; ConnectionError where it ends too early."""
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
    """SHA-256 of the file's bytes, read once per version of the file."""
    stat = path.stat()
    return _sha256(path, stat.st_size, stat.st_mtime_ns, stat.st_ino)


@cache
def _sha256(path: Path, *version: int) -> str:
    del version
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
