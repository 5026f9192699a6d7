"""A file downloaded piece by piece: resumed where it broke off, shown as it comes, refused unless its sha256 fits."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Protocol

from tasks.weights.registry import Body

SIZE_WIDTH = len("000.0/000.0 MB")


class WrongBytes(OSError):
    """What came is not what was asked for."""


@dataclass(frozen=True)
class Source:
    """Somewhere a file can be had."""

    words: str
    """What a person calls it."""
    sha256: str
    """Of the whole file."""
    open: Callable[[int], AbstractContextManager[Body]]
    """The bytes from an offset on."""
    is_archive: bool = False
    """Whether the file wanted must be taken out of it."""


class Progress(Protocol):
    """Called with the bytes at hand and the bytes in all, if known."""

    def __call__(self, done: int, total: int | None) -> None: ...


def download(source: Source, part: Path, label: str) -> None:
    """Bring `part`, which may hold a beginning already, to the whole file; OSError with the reason where that fails."""
    resumed = part.exists()
    if not resumed or sha256_of(part) != source.sha256:
        _complete(source, part, label)
    if (actual := sha256_of(part)) == source.sha256:
        return
    part.unlink()
    if not resumed:
        raise WrongBytes(f"sha256 must be {source.sha256}, got {actual}: refused")
    download(source, part, label)  # the beginning may have been torn: once more without it


def _complete(source: Source, part: Path, label: str) -> None:
    """Take up again after every break, as long as each try brings something."""
    while True:
        had = part.stat().st_size if part.exists() else 0
        try:
            return _append(source, part, had, label)
        except (ConnectionError, TimeoutError):
            if not part.exists() or part.stat().st_size <= had:
                raise


def _append(source: Source, part: Path, offset: int, label: str) -> None:
    """Write what `source` has from `offset` on; ConnectionError where it ends too early."""
    with source.open(offset) as body, part.open("ab") as file, progress_bar(label) as show:
        file.truncate(body.offset)
        done = body.offset
        show(done, body.size)
        for block in body.blocks:
            file.write(block)
            done += len(block)
            show(done, body.size)
    if body.size is not None and done < body.size:
        raise ConnectionError(f"broke off after {done} of {body.size} bytes")


def sha256_of(path: Path) -> str:
    """SHA-256 of the file's bytes, read once per version of the file."""
    stat = path.stat()
    return _sha256(path, stat.st_size, stat.st_mtime_ns, stat.st_ino)


@cache
def _sha256(path: Path, *version: int) -> str:
    del version
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextlib.contextmanager
def progress_bar(label: str) -> Generator[Progress]:
    """A bar on stderr, so that stdout stays the result's; a single line where stderr is no terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, TextColumn
    from rich.progress import Progress as Bar
    from rich.table import Column

    # What is fetched may be cut short, how much of it may not.
    name = TextColumn("{task.description}", table_column=Column(ratio=1, no_wrap=True, overflow="ellipsis"))
    size = DownloadColumn(table_column=Column(no_wrap=True, min_width=SIZE_WIDTH))
    with Bar(name, BarColumn(20), size, console=Console(stderr=True), expand=True) as bar:
        task = bar.add_task(label, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
