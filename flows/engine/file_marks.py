"""File marks (size, times, inode) of single files and of all files below a folder, without hidden ones."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple


class FileMark(NamedTuple):
    """Values of `stat` of a file; equal marks are assumed to mean equal bytes, as in git."""

    size: int
    mtime_ns: int
    ctime_ns: int
    """Cannot be set by a program, so that a change with a restored modification time is detected."""
    inode: int


def read_mark(path: Path | str) -> FileMark | None:
    """The mark of the file at `path`; None where it does not exist."""
    try:
        found = os.stat(path)  # noqa: PTH116  a Path would be built per file, half a million times
    except (FileNotFoundError, NotADirectoryError):
        return None
    return _mark(found)


def scan_folder(folder: Path) -> dict[str, FileMark]:
    """Relative name (with `/`) to mark, of every file below `folder` that is neither hidden nor in a hidden folder."""
    found: dict[str, FileMark] = {}
    waiting = [("", str(folder))]
    while waiting:
        prefix, place = waiting.pop()
        try:
            entries = os.scandir(place)
        except (FileNotFoundError, NotADirectoryError):
            continue
        with entries:
            for entry in entries:
                name = entry.name
                if name.startswith("."):
                    continue
                if entry.is_dir():
                    waiting.append((f"{prefix}{name}/", entry.path))
                else:
                    try:
                        found[prefix + name] = _mark(entry.stat())
                    except FileNotFoundError:
                        continue  # a broken link, or a file that was removed meanwhile
    return found


def _mark(found: os.stat_result) -> FileMark:
    return FileMark(found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino)
