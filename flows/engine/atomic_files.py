"""Atomic writes: to a temporary path on the same file system, then moved to the final path in one step."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import shutil
import threading
from collections.abc import Generator
from pathlib import Path

PARTIAL_FOLDER = ".partial"
"""Folder beside the artifacts for files that are being written; never part of the data (see .dvcignore)."""


MAX_NAME_BYTES, MAX_SUFFIX = 180, 16


@contextlib.contextmanager
def make_partial_path(final: Path, folder: Path) -> Generator[Path]:
    """A temporary path in `folder`, on the file system of `final`; removed at the end if it still exists.

    The `.partial` folder itself stays, since others may be writing there; the holder of the project's lock removes it.
    """
    path = folder / PARTIAL_FOLDER / _name_partial(final)
    _make_folder(path.parent)
    try:
        yield path
    finally:
        remove_path(path)


def write_into_place(final: Path, folder: Path, data: bytes) -> None:
    """Write the file `final` in one step, by a partial file in `folder`; nothing is left of a write that fails.

    For the recipe of every item: folders are made only where they are missing.
    """
    path = folder / PARTIAL_FOLDER / _name_partial(final)
    try:
        try:
            _write(path, data)
        except FileNotFoundError:
            path.parent.mkdir(parents=True, exist_ok=True)
            _write(path, data)
        move_into_place(path, final)
    except BaseException:
        remove_path(path)
        raise


def _name_partial(final: Path) -> str:
    name = final.name
    if len(os.fsencode(name)) > MAX_NAME_BYTES:  # with the prefix below, it would exceed what file systems allow
        name = hashlib.md5(os.fsencode(name), usedforsecurity=False).hexdigest() + final.suffix[:MAX_SUFFIX]
    return f"{os.getpid()}-{threading.get_ident()}-{name}"


def _write(path: Path, data: bytes) -> None:
    """Write a small file with the fewest calls of the system: every item has some."""
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o666)
    try:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(file, rest) :]
    finally:
        os.close(file)


def _make_folder(folder: Path) -> None:
    """`mkdir -p`, in one call of the system where only the last folder may be missing."""
    try:
        os.mkdir(folder)  # noqa: PTH102  Path.mkdir looks again at a folder that is there
    except FileExistsError:
        return  # what is written there next says where it is no folder
    except FileNotFoundError:
        folder.mkdir(parents=True, exist_ok=True)


def move_into_place(source: Path, final: Path) -> None:
    """Move `source` to `final`, replacing what is there."""
    try:
        source.replace(final)
    except OSError:  # another file system, a folder in its place, or no folder to move it to
        _move_with_care(source, final)


def _move_with_care(source: Path, final: Path) -> None:
    final.parent.mkdir(parents=True, exist_ok=True)
    if final.is_dir():  # a folder cannot be replaced in one step; after a crash in between it is missing
        remove_path(final)
    try:
        source.replace(final)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        _move_across(source, final)


def _move_across(source: Path, final: Path) -> None:
    """The same between two file systems: copied to a temporary path beside `final` first, then renamed."""
    beside = final.with_name(f".{os.getpid()}.{threading.get_ident()}.moved")
    try:
        if source.is_dir():
            shutil.copytree(source, beside, symlinks=True)
        else:
            shutil.copy2(source, beside)
        beside.replace(final)
    finally:
        remove_path(beside)
    remove_path(source)


def remove_path(path: Path) -> None:
    """Remove a file or a folder, if it exists."""
    try:
        path.unlink(missing_ok=True)
    except (IsADirectoryError, PermissionError):  # macOS refuses to unlink a folder as if permission were missing
        if not path.is_dir() or path.is_symlink():
            raise
        shutil.rmtree(path)
