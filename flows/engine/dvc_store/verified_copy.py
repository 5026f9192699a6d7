"""Atomic copies of files, verified by MD5, that share blocks where the file system supports it (reflink)."""

from __future__ import annotations

import hashlib
import itertools
import os
import sys
import threading
from pathlib import Path

from tasks.content_hash import md5_file

BLOCK = 1 << 20
SMALL = 1 << 14
"""Bytes below which a file, a recipe for example, is copied at once: sharing its blocks would save nothing."""
TEMPORARY_GLOB = ".*.*.*.tmp"
"""Glob of the names that `make_temporary_path` gives."""
FICLONE = 0x40049409  # linux/fs.h

_number = itertools.count()


def copy_verified(source: Path, target: Path, md5: str, mode: int | None = None) -> bool:
    """Copy `source` to `target` atomically; False, and nothing is written, where its MD5 is not `md5`.

    Never a link: a later write to one must not change the other. `mode`: permission bits; None keeps the default of new
    files. Raises OSError for errors of the file system; no partial file is left.
    """
    beside = make_temporary_path(target)
    try:
        is_right = _copy(source, beside) == md5
        if is_right:
            if mode is not None:
                set_mode(beside, mode)
            beside.replace(target)
        else:
            beside.unlink()
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    return is_right


def write_bytes_atomically(target: Path, text: bytes, mode: int | None = None) -> None:
    """Write `target` atomically: a reader sees the old or the new bytes, and a full disk leaves no temporary file."""
    beside = make_temporary_path(target)
    try:
        beside.write_bytes(text)
        if mode is not None:
            set_mode(beside, mode)
        beside.replace(target)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


def make_temporary_path(target: Path) -> Path:
    """A unique hidden path in the folder of `target`; without the target's name, which may be too long to extend."""
    return target.with_name(f".{os.getpid()}.{threading.get_ident()}.{next(_number)}.tmp")


def set_mode(path: Path, mode: int) -> None:
    """Set permission bits; ignored on file systems without them (some network file systems), as in DVC."""
    try:
        path.chmod(mode)
    except PermissionError:
        return


def _copy(source: Path, target: Path) -> str:
    """Copy the file; gives the MD5 of the copied bytes."""
    with source.open("rb", buffering=0) as reader, target.open("xb", buffering=0) as writer:
        total = hashlib.md5(usedforsecurity=False)
        block = reader.read(SMALL)
        if len(block) == SMALL and _reflink(reader.fileno(), writer.fileno()):
            return md5_file(target)
        while block:
            total.update(block)
            rest = memoryview(block)
            while rest:
                rest = rest[writer.write(rest) :]
            block = reader.read(BLOCK)
    return total.hexdigest()


def _reflink(reader: int, writer: int) -> bool:
    if sys.platform != "linux":
        return False
    import fcntl

    try:
        fcntl.ioctl(writer, FICLONE, reader)
    except OSError:
        return False
    return True
