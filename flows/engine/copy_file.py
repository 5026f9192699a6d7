"""Copying a file whole or not at all, and comparing two files by size and bytes."""

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
"""What the name of an unfinished copy ends in."""


def copy_atomically(source: Path, final: Path, size: int) -> None:
    """Copy `source`, of `size` bytes, with its times to `final`, which appears in one step, on the disk before it does.

    Raises OSError as the system gives it, and SemflowError where the source changes meanwhile; nothing is left then.
    """
    final.parent.mkdir(parents=True, exist_ok=True)
    # Beside the final place, which may be a link to another disk; under a short name, for a long one just fits.
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
        if os.path.lexists(final):  # a disk that ignores case has `X.mp4` already
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
    """Remove what killed copies left in `folder`; nobody else may be copying there now."""
    for left in (folder / PARTIAL_FOLDER).glob(f"*-{COPY_SUFFIX}"):
        left.unlink(missing_ok=True)
    with contextlib.suppress(OSError):  # not there, or others are writing there
        (folder / PARTIAL_FOLDER).rmdir()
