"""What lies in a folder, by one walk: relative names and marks (size, times, inode), hidden files left out."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple


class FileMark(NamedTuple):
    """What `stat` says of a file; equal marks are taken for equal bytes, as git does."""

    size: int
    mtime_ns: int
    ctime_ns: int
    """Cannot be set by a program, so a forged modification time still shows."""
    inode: int


def read_mark(path: Path | str) -> FileMark | None:
    """The mark of a file; None where there is no file."""
    try:
        found = os.stat(path)  # noqa: PTH116  a Path would be built per file, half a million times
    except (FileNotFoundError, NotADirectoryError):
        return None
    return _mark(found)


def scan_folder(folder: Path) -> dict[str, FileMark]:
    """Relative name (with `/`) to mark, of every file below `folder` that is not hidden nor in a hidden folder."""
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
                        continue  # a broken link, or a file that went while we looked
    return found


def _mark(found: os.stat_result) -> FileMark:
    return FileMark(found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino)
