"""Writing that a kill cannot tear: beside the final place, then moved there whole."""

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
"""Folder beside the artifacts where the one in the making lies; never part of the data (see .dvcignore)."""


MAX_NAME_BYTES, MAX_SUFFIX = 180, 16


@contextlib.contextmanager
def make_partial_path(final: Path, folder: Path) -> Generator[Path]:
    """A path in `folder` to write to, on the file system of `final`; what is left there afterwards is removed.

    The `.partial` folder itself stays: others may be writing there. Whoever holds the project's lock removes it.
    """
    name = final.name
    if len(os.fsencode(name)) > MAX_NAME_BYTES:  # with more before it, it would be longer than file systems allow
        name = hashlib.md5(os.fsencode(name), usedforsecurity=False).hexdigest() + final.suffix[:MAX_SUFFIX]
    path = folder / PARTIAL_FOLDER / f"{os.getpid()}-{threading.get_ident()}-{name}"
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        yield path
    finally:
        remove_path(path)


def move_into_place(source: Path, final: Path) -> None:
    """Put `source` in the place of `final`."""
    final.parent.mkdir(parents=True, exist_ok=True)
    if final.is_dir():  # a folder cannot be replaced in one step; a crash between the two shows as missing
        remove_path(final)
    try:
        source.replace(final)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        _move_across(source, final)


def _move_across(source: Path, final: Path) -> None:
    """The same between two file systems: copied beside the final place first, so that it appears whole."""
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
    """Remove a file or a folder, if it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
