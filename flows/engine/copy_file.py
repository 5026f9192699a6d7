"""Copy a file atomically, and compare two files by size and bytes."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
from pathlib import Path

from flows.engine.atomic_files import PARTIAL_FOLDER, make_partial_path
from tasks.errors import SemflowError

BLOCK = 1 << 20
COPY_SUFFIX = "copy"
"""End of the name of an unfinished copy."""


def copy_atomically(source: Path, final: Path, size: int) -> None:
    """Copy `source`, of `size` bytes, with its times to `final`, which appears in one step after the bytes are on disk.

    Raises OSError, and SemflowError where the source changes during the copy; in both cases no file is left.
    """
    final.parent.mkdir(parents=True, exist_ok=True)
    # Beside `final`, whose folder may be a link to another disk; a short name, since a long one may just fit.
    with make_partial_path(Path(COPY_SUFFIX), final.parent) as beside:
        before = source.stat()
        shutil.copyfile(source, beside)
        after, made = source.stat(), beside.stat()
        marks = {(at.st_size, at.st_mtime_ns) for at in (before, after)}
        if len(marks) > 1 or {before.st_size, made.st_size} != {size}:
            raise SemflowError(
                f"{source} must not change while it is copied, got {before.st_size} bytes before and "
                f"{after.st_size} after; run this again when it is complete"
            )
        with beside.open("rb") as file:
            os.fsync(file.fileno())
        shutil.copystat(source, beside)
        if os.path.lexists(final):  # e.g. `X.mp4` exists on a case-insensitive disk
            raise FileExistsError(errno.EEXIST, "a file of that name is there", str(final))
        beside.replace(final)


def have_same_bytes(one: Path, other: Path) -> bool:
    """Whether two files have the same bytes."""
    with one.open("rb") as left, other.open("rb") as right:
        if os.fstat(left.fileno()).st_size != os.fstat(right.fileno()).st_size:
            return False
        while block := left.read(BLOCK):
            if block != right.read(BLOCK):
                return False
        return True


def remove_unfinished_copies(folder: Path) -> None:
    """Remove unfinished copies in `folder`; no other process may be copying there."""
    for left in (folder / PARTIAL_FOLDER).glob(f"*-{COPY_SUFFIX}"):
        left.unlink(missing_ok=True)
    with contextlib.suppress(OSError):  # missing, or others are writing there
        (folder / PARTIAL_FOLDER).rmdir()
